"""This module checks the command otel-confidence doctor."""

import json
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.doctor.pretending import Stack, pretending
from tests.ports import free_port

from otel_confidence.cli.commands import cli, commands
from otel_confidence.doctor import own
from otel_confidence.doctor.services import SERVICES, Addresses

ROOT = Path(__file__).parent.parent.parent
NAMES = [field.name for field in fields(Addresses) if field.name != "headers"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.fixture(name="stack")
def _stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.delenv("OTEL_SDK_DISABLED", raising=False)
    with pretending() as stack:
        yield stack


def doctor(*arguments: str, **environ: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli, ["doctor", *arguments], env=dict(environ))


def at(stack: Stack, **others: str) -> list[str]:
    """The options for a stack."""
    addresses = stack.addresses()
    places = {name: getattr(addresses, name) for name in NAMES} | others
    options = [(f"--{n.replace('_', '-')}", url) for n, url in places.items()]
    return ["--stack", "--wait", "1", *(part for option in options for part in option)]


def test_the_page_shows_what_is_said() -> None:
    """
    The lines that the page shows of this side are those that the command prints.
    """
    page = (ROOT / "docs/how-to/doctor.md").read_text()
    shown = page.partition("$ otel-confidence doctor\n")[2].partition("...\n")[0]
    silent = f"http://127.0.0.1:{free_port()}"

    done = doctor("--url", silent, OTEL_EXPORTER_OTLP_ENDPOINT=silent)

    there = {"http://localhost:4318": silent, "1.45.2": version("opentelemetry-sdk")}
    for text, ours in there.items():
        shown = shown.replace(text, ours)
    said = done.stdout.splitlines()
    assert 7 == len(shown.splitlines())
    assert [] == [line for line in shown.splitlines() if line not in said], done.stdout


def test_a_stack_that_works_is_well(stack: Stack) -> None:
    """
    Every check is a line, and the status is 0.
    """
    done = doctor(*at(stack))

    lines = done.stdout.splitlines()
    assert 0 == done.exit_code
    assert {"ok"} == {line.split()[0] for line in lines[:-2]}
    assert "All is well: 25 checks." == lines[-1]


def test_a_fault_has_its_remedy_and_status(stack: Stack) -> None:
    """
    What failed is followed by its remedy, the last line says where to begin, the status is 1.
    """
    stack.answers["/gateway/v1/traces"] = (401, "no token")

    done = doctor(*at(stack))

    lines = done.stdout.splitlines()
    [number] = [i for i, line in enumerate(lines) if line.startswith("failed")]
    assert 1 == done.exit_code
    assert "failed   trace: taken by the gateway  " in lines[number]
    assert lines[number + 1].startswith("         -> give its token")
    assert "1 failed; begin with trace: taken by the gateway." == lines[-1]


def test_json_holds_every_check(stack: Stack) -> None:
    """
    As JSON each check has its fields, with the counts that matter.
    """
    done = doctor(*at(stack, tempo="none"), "--json")

    told = json.loads(done.stdout)
    assert 0 == done.exit_code
    assert (0, 0) == (told["failed"], told["warnings"])
    assert {"subject", "place", "status", "found", "remedy"} == told["checks"][0].keys()
    assert {"trace", "Tempo"} == {c["subject"] for c in told["checks"] if c["status"] == "skipped"}


def test_addresses_come_from_the_environment(stack: Stack) -> None:
    """
    Each address has a variable too.
    """
    addresses = stack.addresses()
    places = {f"OTEL_CONFIDENCE_{name.upper()}": getattr(addresses, name) for name in NAMES}

    done = doctor("--stack", "--wait", "1", **places)

    assert 0 == done.exit_code, done.output


def test_headers_reach_backends_but_not_the_gateway(stack: Stack) -> None:
    """
    A header is sent to whatever is asked for a signal, and never with one.
    """
    seen: list[tuple[str, str | None]] = []
    stack.told = lambda path, headers: seen.append((path, headers.get("X-Scope-OrgID")))

    doctor(*at(stack), "--header", "X-Scope-OrgID: me")

    asked = {path.split("/")[1].partition("?")[0]: tenant for path, tenant in seen}
    own_doors = {"gateway": None, "health": None, "own": None}
    backends = ("prometheus", "tempo", "loki", "alertmanager", "grafana")
    assert {**own_doors, **dict.fromkeys(backends, "me")} == asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tempo", "http://127.0.0.1:1"], "--tempo belongs to --stack"),
        (["--header", "a: b"], "--header belongs to --stack"),
        (["--stack", "--url", "http://127.0.0.1:1"], "--url is not for --stack"),
        (["--stack", "--tempo", "tempo:3200"], "is no address such as"),
    ],
)
def test_options_of_the_other_side_are_refused(arguments: list[str], message: str) -> None:
    """
    An option that would be without effect, or is no address, is refused with status 2.
    """
    done = doctor(*arguments)

    assert 2 == done.exit_code
    assert message in done.output


def test_the_own_side_is_looked_at_without_a_flag(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without --stack it looks at settings, libraries, endpoint, clock and disk.
    """
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{stack.url}/gateway")

    done = doctor("--data", str(tmp_path), "--json")

    subjects = [check["subject"] for check in json.loads(done.stdout)["checks"]]
    assert ["settings", "libraries", "providers", "exporters"] == list(dict.fromkeys(subjects))[:4]
    assert ["metrics", "traces", "logs", "clock", "up", "disk"] == subjects[-6:]


def test_defaults_are_what_the_stack_publishes() -> None:
    """
    Each default address is a port that docker-compose.yml publishes for that service.
    """
    services = {service.field: service.compose for service in SERVICES}
    services |= dict.fromkeys(("gateway", "gateway_metrics"), "otel-gateway")
    wrong = [
        name
        for name in NAMES
        if f"127.0.0.1:{urlsplit(getattr(Addresses(), name)).port}:"
        not in " ".join(f"{port}" for port in COMPOSE[services[name]]["ports"])
    ]

    assert NAMES == [name for name in NAMES if name in services]
    assert [] == wrong


def test_variables_of_commands_are_no_misspelled_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The doctor knows every variable that a command reads.
    """
    variables = {
        str(option.envvar)
        for command in commands().values()
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    }
    for name in variables:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    known = [c for c in own.examine(tmp_path, "http://127.0.0.1:9") if c.place == "are known"]

    assert len(variables) > len(NAMES)
    assert ["ok"] == [check.status for check in known]

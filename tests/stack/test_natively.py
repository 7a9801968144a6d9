"""This module checks how the whole compose file is started natively, and what keeps it from it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.stack import played, world
from tools.stack import Stack, StackError
from tools.stack.plan import COMPOSE, ROOT, Wishes
from tools.stack.rendering import Overrides

pytestmark = pytest.mark.xdist_group("stack")
NAMES = ("tempo", "loki", "grafana")


@pytest.fixture(autouse=True)
def _programs() -> None:
    world.required()


@contextmanager
def command(*words: str) -> Iterator[subprocess.Popen[str]]:
    """``python -m tools.stack``, ended with the block."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-m", "tools.stack", *words], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    """
    It says what runs, what stands in for what and what to do, ends everything when told to.
    """
    with command("--folder", str(tmp_path), "--stand-ins") as process:
        assert process.stdout
        said: list[str] = []
        while not said or said[-1] != "Ctrl-C ends it.":
            assert process.poll() is None, said
            said.append(process.stdout.readline().strip())
        process.send_signal(number)
        rest = process.stdout.read()

    text = "\n".join(said)

    assert 0 == process.wait()
    assert rest.endswith("Ended.\n")  # a service that was slow to end is named before
    assert "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0." in text
    assert "otel-confidence doctor --stack --gateway-metrics http://127.0." in text
    assert "--grafana none" in text
    assert "loki is not looked for; a recorder keeps what arrives" in text
    assert "left out: grafana is not looked for" in text
    assert "See you next time!" in (tmp_path / "prometheus.log").read_text()


def refused(folder: Path, overrides: dict[str, Overrides]) -> str:
    """What is said of a configuration before anything is started."""
    said: list[str] = []
    wishes = Wishes(files=[COMPOSE], overrides=overrides, stand_ins=True)
    with pytest.raises(StackError) as raised:
        Stack.started(folder, wishes, say=said.append).__enter__()

    assert [] == [log.name for log in folder.glob("*.log")]
    assert [] == said
    return str(raised.value)


MISTAKES = {
    "a rule with a typo": (
        "prometheus", "/etc/prometheus/rules/otel_confidence.yml", "groups.0.rules.0.expr",
        "sum by (job", "could not parse expression",
    ),
    "a wrong setting of the Collector": (
        "otel-gateway", "/etc/otelcol/gateway.yaml", "processors.tail_sampling.decision_wait",
        "soon", "invalid duration",
    ),
    "a route to nobody": (
        "alertmanager", "/etc/alertmanager/alertmanager.yml", "route.receiver", "nobody",
        "undefined receiver",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_before_anything_starts(tmp_path: Path, mistake: str) -> None:
    """
    A service's own program says what is wrong with its configuration, and nothing is started.
    """
    service, file, setting, value, said = MISTAKES[mistake]
    message = refused(tmp_path, {service: {file: {setting: value}}})

    assert f"the configuration of {service} is refused, nothing was started" in message
    assert said in message


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Tempo, Loki and Grafana, played, on PATH.
    """
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NAMES:
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {played.__file__} "$@"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["tempo", "loki"])
def test_a_program_on_the_path_checks_its_own(tmp_path: Path, name: str) -> None:
    """
    Tempo and Loki read their configuration before anything starts, where they are installed.
    """
    wrong = {name: {f"/etc/{name}/{name}.yaml": {"server.http_listen_port": "none"}}}
    with pytest.raises(StackError, match=f"the configuration of {name} is refused"):
        Stack.started(tmp_path / "run", Wishes(files=[COMPOSE], overrides=wrong)).__enter__()


@pytest.mark.usefixtures("installed")
def test_programs_on_the_path_join(tmp_path: Path) -> None:
    """
    Tempo, Loki and Grafana run as themselves where they are installed, with files that hold here.
    """
    folder = tmp_path / "run"
    with Stack.started(folder, Wishes(files=[COMPOSE]), check=False) as stack:
        started = {name: json.loads(stack.file(name, played.FILE).read_text()) for name in NAMES}
        addresses = stack.plan.addresses.by_service
        scraped = stack.file("prometheus", "/etc/prometheus/prometheus.yml").read_text()
        tempo = yaml.safe_load(stack.file("tempo", "/etc/tempo/tempo.yaml").read_text())
        absent = stack.plan.absent

    variables = started["grafana"]["variables"]

    assert {} == absent
    assert [
        ["-target=all", f"-config.file={folder}/tempo/etc/tempo/tempo.yaml"],
        [f"-config.file={folder}/loki/etc/loki/loki.yaml"],
        ["server", "--homepath=/usr/share/grafana"],
    ] == [started[name]["words"] for name in NAMES]
    assert f"{folder}/grafana/etc/grafana/provisioning" == variables["GF_PATHS_PROVISIONING"]
    assert addresses["grafana"] == variables["GF_SERVER_HTTP_ADDR"]
    assert f"{addresses['grafana']}:3000" in scraped
    assert (addresses["tempo"], "127.0.0.1") == (
        tempo["server"]["http_listen_address"], tempo["server"]["grpc_listen_address"]
    )  # fmt: skip
    assert f"{folder}/tempo/var/tempo/live-store/traces" == tempo["live_store"]["wal"]["path"]

"""This module checks otel-confidence slo and otel-confidence generate."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
import yaml
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from tests.running import until

from otel_confidence.cli.commands import cli
from otel_confidence.points import Batch, Sample, Samples, Series
from otel_confidence.query.promql import Engine
from otel_confidence.server.api import routes
from otel_confidence.store import Store

NOW_S = 1_800_000_000
FILE = """\
objectives:
  - {name: right, kind: accuracy, target: 0.9, model: digits, window: 7d}
  - {name: fast, kind: latency, within: 250ms, target: 0.99, model: digits}
"""
WRONG = "objectives:\n  - {name: n, kind: latency, within: 0.2, target: 0.99}\n"


def recorded(metric: str, value: float, slo: str, **labels: str) -> Sample:
    """A series as the rules of an objective record it."""
    named = {
        "__name__": metric, "sloth_id": f"digits-{slo}", "sloth_service": "digits",
        "sloth_slo": slo, **labels,
    }  # fmt: skip
    return Sample(Series(tuple(sorted(named.items()))), NOW_S * 1000, value)


def objective(
    slo: str, target: float, days: float, remaining: float | None, hour: float | None
) -> list[Sample]:
    """Everything that is recorded of one objective."""
    found = [
        recorded("slo:objective:ratio", target, slo),
        recorded("slo:error_budget:ratio", 1 - target, slo),
        recorded("slo:time_period:days", days, slo),
    ]
    if remaining is not None:
        found.append(recorded("slo:period_error_budget_remaining:ratio", remaining, slo))
    if hour is not None:
        found.append(recorded("slo:sli_error:ratio_rate1h", hour, slo, sloth_window="1h"))
        found.append(recorded("slo:current_burn_rate:ratio", 2.5, slo))
    return found


@contextmanager
def serving(store: Store, now_s: float) -> Iterator[str]:
    """The address of a server whose clock stands still."""
    app = Starlette(routes=routes(Engine(store, now=lambda: now_s), store, now=lambda: now_s))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    samples = [
        *objective("steady", 0.99, 30, 0.5, 0.0),
        *objective("right", 0.9, 7, 0.25, 0.35),
        *objective("spent", 0.9, 28, -0.5, 0.1),
        *objective("quiet", 0.9, 28, None, None),
        recorded("ALERTS", 1, "right", alertstate="firing", sloth_severity="ticket", alertname="S"),
        recorded("ALERTS", 1, "right", alertstate="pending", sloth_severity="page", alertname="F"),
    ]
    store = Store.open(tmp_path_factory.mktemp("data"), retention_days=10_000)
    store.write(Batch(samples=Samples.of(samples)))
    yield store
    store.close()


@pytest.fixture(name="url", scope="module")
def _url(store: Store) -> Iterator[str]:
    with serving(store, NOW_S) as url:
        yield url


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    path = tmp_path / "otel-confidence.yaml"
    path.write_text(FILE)
    return path


def run(*arguments: str) -> Result:
    """What a command says and how it ends."""
    return CliRunner().invoke(cli, list(arguments))


def test_the_least_budget_stands_first(url: str) -> None:
    """
    A row says what is left, how fast it burns, for how long it lasts and which alert fires.
    """
    done = run("slo", "status", "--url", url)

    rows = [line.split() for line in done.output.splitlines()]
    assert 0 == done.exit_code
    assert [
        ["digits-spent", "90%", "over", "28d", "-50%", "1.00", "now", "-"],
        ["digits-right", "90%", "over", "7d", "25%", "3.50", "12.0", "h", "ticket"],
        ["digits-steady", "99%", "over", "30d", "50%", "0.00", "never", "-"],
        ["digits-quiet", "90%", "over", "28d", "-", "-", "-", "-"],
    ] == rows[1:]


def test_programs_read_json(url: str) -> None:
    """
    JSON has every figure in ratios and seconds, null where nothing is known.
    """
    found = {each["slo"]: each for each in json.loads(run("slo", "status", "--url", url,
                                                          "--format", "json").output)}  # fmt: skip

    assert {
        "id": "digits-right", "service": "digits", "slo": "right", "target": 0.9,
        "period_days": 7.0, "budget_remaining": 0.25, "error_ratio_1h": 0.35,
        "burn_rate_1h": pytest.approx(3.5), "burn_rate_5m": 2.5,
        "exhausted_in_seconds": pytest.approx(43200), "burning": True, "alerts": ["ticket"],
    } == found["right"]  # fmt: skip
    assert found["quiet"]["burn_rate_1h"] is found["quiet"]["burning"] is None
    assert found["steady"]["exhausted_in_seconds"] is None


def test_objectives_without_data_are_shown(url: str, file: Path) -> None:
    """
    With a file its objectives are shown, those too of which the server has nothing.
    """
    done = run("slo", "status", "--url", url, "--objectives", str(file))

    rows = [line.split()[:2] for line in done.output.splitlines()[1:]]
    assert [["digits-right", "90%"], ["digits-fast", "99%"]] == rows


def test_a_server_without_rules_is_explained(store: Store) -> None:
    """
    Nothing recorded asks whether the rules are evaluated; no server is an error.
    """
    with serving(store, NOW_S + 86400) as url:
        done = run("slo", "status", "--url", url)
    gone = run("slo", "status", "--url", url)

    assert (0, True) == (done.exit_code, "does the server evaluate their rules?" in done.stderr)
    assert (1, True) == (gone.exit_code, "cannot ask" in gone.output)


def test_files_are_validated(file: Path, tmp_path: Path) -> None:
    """
    Right files are counted; of a wrong one everything is said, and the status is 1.
    """
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(WRONG)

    right, both = run("slo", "validate", str(file)), run("slo", "validate", str(file), str(wrong))

    assert (0, f"{file}: 2 objectives\n") == (right.exit_code, right.output)
    assert 1 == both.exit_code
    assert f"{wrong}:2:38: objectives[0].within: 0.2 is no bucket edge" in both.stderr
    assert 1 == run("slo", "list", str(wrong)).exit_code


def test_objectives_are_listed(file: Path) -> None:
    """
    A list says what is promised; as JSON with all its parts.
    """
    table = run("slo", "list", str(file))
    found = json.loads(run("slo", "list", str(file), "--format", "json").output)

    assert "99% of the calls of digits end within 0.25s, over 30 days" in table.output
    assert ["accuracy", "latency"] == [each["kind"] for each in found]
    assert ['ml_model_name="digits"'] == found[0]["conditions"]


def test_rules_are_generated_and_checked(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The file of the folder is taken, its rules written and compared, and a difference is status 1.
    """
    monkeypatch.chdir(file.parent)
    rules = tmp_path / "out" / "prometheus" / "rules" / "otel_confidence_slos.yml"
    command = ("generate", "--only", "rules", "--out", "out")

    missing = run(*command, "--check")
    written = run(*command)
    same = run(*command, "--check")
    rules.write_text("groups: []\n")
    differing = run(*command, "--check")

    assert [1, 0, 0, 1] == [done.exit_code for done in (missing, written, same, differing)]
    assert "written: out/prometheus/rules/otel_confidence_slos.yml" in written.output
    assert "differs: out/prometheus/rules/otel_confidence_slos.yml\n" == differing.stdout
    assert not (tmp_path / "out" / "docs").exists()


def test_rules_can_come_from_another_file(file: Path, tmp_path: Path) -> None:
    """
    ``--objectives`` names the file, and the header of what is written does so too.
    """
    other = file.rename(tmp_path / "promises.yaml")

    done = run("generate", "--only", "rules", "--objectives", str(other), "--out", str(tmp_path))

    text = (tmp_path / "prometheus" / "rules" / "otel_confidence_slos.yml").read_text()
    assert 0 == done.exit_code
    assert "change promises.yaml instead" in text.splitlines()[0]
    assert 4 == len(yaml.safe_load(text)["groups"])


def test_wrong_objectives_generate_nothing(file: Path, tmp_path: Path) -> None:
    """
    Of a wrong file everything is said, and no rules are written.
    """
    file.write_text(WRONG)

    done = run("generate", "--only", "rules", "--objectives", str(file), "--out", str(tmp_path))

    assert 1 == done.exit_code
    assert "take 0.1 or 0.25" in done.output
    assert not (tmp_path / "prometheus").exists()


def test_without_objectives_the_other_rules_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A folder without a file of objectives gets everything else, and is told so.
    """
    monkeypatch.chdir(tmp_path)

    done = run("generate", "--only", "rules")

    assert 0 == done.exit_code
    assert [
        "written: prometheus/rules/otel_confidence.yml",
        "written: prometheus/pages/runbooks.html",
    ] == done.stdout.splitlines()
    assert "no objectives" in done.stderr

"""
This module holds the faults of what tells people: something dies, and somebody has to hear of it.

Every interval is that of the stack's own files, so that each of these takes minutes.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
from tests.campaigns.stack_faults import load
from tests.campaigns.stack_faults.rows import Row
from tests.campaigns.stack_faults.world import GATEWAY, Run, Setting, running
from tests.running import until
from tests.stack import hooks

KNOWN_S: Final = 90.0
"""How long models predict before the fault: the rules have to know them."""
MODELS: Final = ("first", "second", "third")
STOPPED: Final = "ModelTrafficStopped"
SLOW_S: Final = 30.0
_PATIENCE_S: Final = 500.0


def dead_collector(folder: Path) -> list[Row]:
    """The Collector dies for minutes: one page, and none about models that seem to stand still."""
    with running("Collector dead until models seem to stop", folder, Setting(rate=10)) as run:
        run.begin(*MODELS)
        run.wait(KNOWN_S)
        run.breaks()
        run.stack.kill(GATEWAY)
        until(lambda: ("CollectorDown", "firing") in run.watch.alerts, patience_s=_PATIENCE_S)
        until(lambda: (STOPPED, "firing") in run.watch.alerts, patience_s=_PATIENCE_S)
        # Twice as long as any group waits before it is told.
        run.wait(60)
        states = [a["status"]["state"] for a in _alerts(run) if a["labels"]["alertname"] == STOPPED]
        told = [post for post in run.told() if STOPPED in str(post["body"])]
        run.stack.restart(GATEWAY)
        run.heals()
        found = run.rows(run.end())
        found[0].note = f"{STOPPED} of {len(states)} models: {set(states)}, told {len(told)} times"
        found[0].wrong = f"told of {STOPPED} behind a dead Collector" if told else ""
        return found


def dead_backends(folder: Path) -> list[Row]:
    """Tempo and Loki die for minutes: somebody hears of it long before their queues are full."""
    with running("Tempo and Loki dead until told", folder, Setting()) as run:
        run.begin()
        run.breaks()
        for name in ("tempo", "loki"):
            run.stack.kill(name)
        expected = {"StackServiceDown", "CollectorDeliveryStalled"}
        until(lambda: expected <= _names(run), patience_s=_PATIENCE_S)
        for name in ("tempo", "loki"):
            run.stack.restart(name)
        run.heals()
        return run.rows(run.end())


def vanished_model(folder: Path) -> list[Row]:
    """One of three models stops predicting: an alert names it, and no other."""
    with running("one of three models stops", folder, Setting(rate=10)) as run:
        run.begin(*MODELS)
        run.wait(KNOWN_S)
        run.breaks()
        (run.folder / f"{load.STOP}-{MODELS[0]}").touch()

        def named() -> set[str]:
            alerts = [alert for post in run.told() for alert in post["body"]["alerts"]]
            labels = [alert["labels"] for alert in alerts]
            return {each["ml_model_name"] for each in labels if each["alertname"] == STOPPED}

        until(named, patience_s=_PATIENCE_S)
        run.heals()
        found = run.rows(run.end())
        found[0].note = f"told of {', '.join(sorted(named()))}"
        others = named() - {MODELS[0]}
        found[0].wrong = f"told of {', '.join(sorted(others))} that predict" if others else ""
        return found


def dead_prometheus(folder: Path) -> list[Row]:
    """Prometheus dies: the heartbeat that a service outside expects ends."""
    with running("Prometheus dead, noticed from outside", folder, Setting()) as run:
        home = run.stack.plan.starts["hooks"].folder

        def beats() -> list[float]:
            return [post["time"] for post in hooks.told(home, "/heartbeat")]

        until(lambda: len(beats()) > 1, patience_s=_PATIENCE_S)
        run.breaks()
        run.stack.kill("prometheus")
        until(lambda: time.time() - max(beats()[-1], run.broken) > 200, patience_s=_PATIENCE_S)
        row = Row(run.name, "heartbeats", len(beats()), len(beats()))
        last_s = beats()[-1] - run.broken
        row.noticed = (
            f"last heartbeat {last_s:.0f} s after; not called for 5 min: {last_s + 300:.0f} s"
        )
        return [row]


def notifications(folder: Path) -> list[Row]:
    """Alertmanager with alerts that flap, a webhook that fails, a kill, and hostile labels."""
    with running("Alertmanager", folder, Setting()) as run:
        return [
            _flapping(run), _failing_webhook(run), _slow_webhook(run), *_killed(run), _hostile(run)
        ]  # fmt: skip


def told_times(fault: str, times: int, *, at_most: int = 1, at_least: int = 1) -> Row:
    """A row that is wrong where the webhook was told more or less often than is claimed."""
    row = Row(fault, "notifications", at_least, min(times, at_least))
    row.twice = max(times - at_most, 0)
    row.wrong = f"told {times} times instead of {at_most}" if times > at_most else ""
    return row


def _flapping(run: Run) -> Row:
    """An alert that comes and goes every five seconds for two minutes."""
    changes = 24
    for number in range(changes):
        _post(run, [{"alertname": "Flapping"}], ended=number % 2 == 1)
        run.wait(5)
    posts = _told(run, "Flapping")
    # A group is told at once and then after five minutes; in between it may be over before anybody
    # was told.
    row = told_times("alert that flaps every 5 s for 2 min", len(posts), at_least=0)
    row.noticed = f"{len(posts)} notification(s) to the webhook of {changes} changes"
    return row


def _failing_webhook(run: Run) -> Row:
    """A webhook that answers 500 for 90 s."""
    hooks.answer(_home(run), 500)
    began = time.time()
    _post(run, [{"alertname": "Failing"}])
    run.wait(90)
    hooks.answer(_home(run))
    healed = time.time()
    until(lambda: _told(run, "Failing"), patience_s=_PATIENCE_S)
    arrived = _told(run, "Failing")[0]["time"] - healed
    run.wait(30)
    refused = len(_told(run, "Failing", status=500))
    row = told_times("webhook answers 500 for 90 s", len(_told(run, "Failing")))
    row.caught_up_s = arrived
    row.noticed = f"{refused} tries refused in {healed - began:.0f} s"
    return row


def _slow_webhook(run: Run) -> Row:
    """A webhook that takes 30 s for each answer."""
    hooks.answer(_home(run), after_s=SLOW_S)
    _post(run, [{"alertname": "Slow"}])
    until(lambda: _told(run, "Slow"), patience_s=_PATIENCE_S)
    run.wait(3 * SLOW_S)
    hooks.answer(_home(run))
    return told_times(f"webhook takes {SLOW_S:.0f} s", len(_told(run, "Slow")))


def _killed(run: Run) -> list[Row]:
    """A kill of Alertmanager after it told of one alert that inhibits another."""
    source = {"alertname": "CollectorDown", "severity": "critical", "topic": "pipeline"}
    target = {"alertname": STOPPED, "severity": "critical", "ml_model_name": "m"}
    _post(run, [source, target])
    until(lambda: _told(run, "CollectorDown"), patience_s=_PATIENCE_S)
    run.wait(30)
    before = len(_told(run, "CollectorDown"))
    run.stack.kill("alertmanager")
    run.stack.restart("alertmanager")
    # Prometheus sends each alert again within a minute, in any order: here the worst.
    _post(run, [target])
    run.wait(45)
    _post(run, [source, target])
    run.wait(75)
    fault = "Alertmanager killed 30 s after it told"
    told = told_times(fault, len(_told(run, "CollectorDown")), at_most=before)
    leaks = len(_told(run, STOPPED))
    leaked = told_times(f"{fault}, of what is inhibited", leaks, at_most=0, at_least=0)
    return [told, leaked]


def _hostile(run: Run) -> Row:
    """Markup and ten kilobytes in labels."""
    script, long = "<script>alert(1)</script>", "x" * 10_000
    labels = {"alertname": "Hostile", "ml_model_name": script, "team": long, "severity": "critical"}
    _post(run, [labels])
    until(lambda: _told(run, "Hostile"), patience_s=_PATIENCE_S)

    def told() -> list[Any]:
        return [p["body"] for p in hooks.told(_home(run), "/slack") if "Hostile" in str(p)]

    slack = until(told)[0]
    title = slack["attachments"][0]["title"]
    row = told_times("<script> and 10 kB in labels", len(_told(run, "Hostile")))
    row.wrong = row.wrong or ("markup in Slack's title" if "<" in title else "")
    row.noticed = f"Slack: {len(str(slack))} characters, title {title!r:.120}"
    return row


def _post(run: Run, alerts: list[dict[str, str]], *, ended: bool = False) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + (-1 if ended else 600)))
    body = [{"labels": labels, "endsAt": moment} for labels in alerts]
    url = f"{run.stack.url('alertmanager', 9093)}/api/v2/alerts"
    httpx.post(url, json=body).raise_for_status()


def _alerts(run: Run) -> list[Any]:
    found: list[Any] = httpx.get(f"{run.stack.url('alertmanager', 9093)}/api/v2/alerts").json()
    return found


def _names(run: Run) -> set[str]:
    """The alerts that the webhook was told of."""
    alerts = [alert for post in run.told() for alert in post["body"]["alerts"]]
    return {alert["labels"]["alertname"] for alert in alerts}


def _told(run: Run, name: str, *, status: int = 200) -> list[Any]:
    return [p for p in hooks.told(_home(run), "/webhook", status=status) if name in str(p["body"])]


def _home(run: Run) -> Path:
    """The folder of whoever is told."""
    return run.stack.plan.starts["hooks"].folder


FAULTS: Final[dict[str, Callable[[Path], list[Row]]]] = {
    "dead-collector": dead_collector,
    "dead-backends": dead_backends,
    "vanished-model": vanished_model,
    "dead-prometheus": dead_prometheus,
    "notifications": notifications,
}

"""
This module holds the faults of the pipeline: Collector, backends, memory, disk, queue, gateways.
"""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from tests.campaigns.stack_faults.rows import NotRunError, Row, gaps, oldest_missing
from tests.campaigns.stack_faults.world import GATEWAY, INTERVAL_MS, Run, Setting, running

OUTAGE_S: Final = 75.0
"""
How long a backend is away. Twelve hours differ in how far the queue fills; after a day, Prometheus
takes no metrics of before.
"""
BACKENDS: Final = ("tempo", "loki", "prometheus")
_HERE: Final = Path(__file__).parent
_FILE: Final = "/etc/otelcol/gateway.yaml"


def killed_collector(folder: Path) -> list[Row]:
    """The Collector is killed under load and started again after a while."""
    with running("Collector killed, 5 s", folder, Setting()) as run:
        run.begin()
        run.breaks()
        run.stack.kill(GATEWAY)
        run.wait(5)
        run.stack.restart(GATEWAY)
        run.heals()
        told = run.end()
        found = run.rows(told)
        oldest = oldest_missing(told, run.watch.spans, run.broken)
        found[1].note = f"the oldest that is missing was made {oldest:.1f} s before the kill"
        return found


def prometheus_down(folder: Path) -> list[Row]:
    """Prometheus is killed and comes back; no series has a gap."""
    with running(f"Prometheus killed, {OUTAGE_S:.0f} s", folder, Setting()) as run:
        run.begin()
        run.breaks()
        run.stack.kill("prometheus")
        run.wait(OUTAGE_S)
        run.stack.restart("prometheus")
        run.heals()
        found = run.rows(run.end())
        longest = gaps(run.watch, run.began, run.healed)[0]
        found[
            0
        ].note = (
            f"longest time without a sample {longest:.1f} s at one in {INTERVAL_MS / 1000:.0f} s"
        )
        return found


def doors_down(folder: Path) -> list[Row]:
    """Tempo's and Loki's doors close and open again."""
    with running(f"Tempo and Loki away, {OUTAGE_S:.0f} s", folder, Setting()) as run:
        run.begin()
        run.breaks()
        for name in ("tempo", "loki"):
            run.stack.kill(name)
        run.wait(OUTAGE_S)
        for name in ("tempo", "loki"):
            run.stack.restart(name)
        run.heals()
        return run.rows(run.end())


def refusing_collector(folder: Path) -> list[Row]:
    """The Collector refuses all for its memory limit, made tiny, and then no longer."""
    with running("Collector refuses (memory limit), 30 s", folder, Setting()) as run:
        run.begin()
        usual = _limited(run.stack.file(GATEWAY, _FILE), {"limit_mib": 20, "spike_limit_mib": 5})
        run.breaks()
        run.stack.signal(GATEWAY, signal.SIGHUP)
        run.wait(30)
        run.stack.file(GATEWAY, _FILE).write_text(usual)
        run.stack.signal(GATEWAY, signal.SIGHUP)
        run.heals()
        return run.rows(run.end())


def _limited(path: Path, limits: dict[str, int]) -> str:
    """Put other limits of memory into a file; what was there before."""
    before = path.read_text()
    settings = yaml.safe_load(before)
    settings["processors"]["memory_limiter"] = {"check_interval": "1s", **limits}
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    return before


def full_storage(folder: Path) -> list[Row]:
    """All backends are away until the queues have the size that they may have on disk."""
    small: dict[str, Any] = {}
    for name in ("queue", "traces"):
        storage = f"extensions.file_storage/{name}"
        small |= {
            f"{storage}.max_size": 2 << 20,
            f"+{storage}.compaction.rebound_needed_threshold_mib": 1,
            f"+{storage}.compaction.rebound_trigger_threshold_mib": 1,
        }
    setting = Setting(small, rate=100)
    with running(f"queues of 2 MiB on disk, {OUTAGE_S:.0f} s", folder, setting) as run:
        run.begin()
        _all_away(run, OUTAGE_S)
        run.heals()
        return run.rows(run.end())


def full_disk(folder: Path) -> list[Row]:
    """All backends are away until the disk is full, before the queues' limit; then it grows."""
    with _small_disk(folder / "disk", "6m") as disk:
        setting = Setting(environment={"QUEUE_DIRECTORY": str(disk)}, rate=100)
        with running("full disk of 6 MiB, then a larger one", folder, setting) as run:
            run.begin()
            _all_away(run, OUTAGE_S)
            run.wait(45)
            used, before = shutil.disk_usage(disk), len(run.watch.events.first)
            subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
            run.heals()
            found = run.rows(run.end())
            found[0].note = (
                f"the disk was still {used.used / used.total:.0%} full 45 s after the backends "
                f"were back, {before} events stored; it was then made larger, without a restart"
            )
            return found


def _all_away(run: Run, seconds: float) -> None:
    """Every backend is killed and comes back."""
    run.breaks()
    for name in BACKENDS:
        run.stack.kill(name)
    run.wait(seconds)
    for name in BACKENDS:
        run.stack.restart(name)


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    able("a file system of few megabytes has to be mounted, as root may", *mount)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def able(what: str, *command: str) -> str:
    """
    Run what a fault cannot be made without; where its program is.

    Raises:
        NotRunError: it is not installed, or fails.
    """
    program = shutil.which(command[0])
    if program is None:
        raise NotRunError(f"{what}: {command[0]} is not installed")
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise NotRunError(f"{what}: {(run.stderr or run.stdout).strip()}")
    return program


def slow_disk(folder: Path) -> list[Row]:
    """Every write to the disk under the queue takes a tenth of a second."""
    why = "system calls have to be delayed by strace"
    strace = able(why, "strace", "-qq", "-o", "/dev/null", "true")
    slow = (
        strace, "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null",
        "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=100000",
    )  # fmt: skip
    setting = Setting(under={GATEWAY: slow})
    with running("slow disk, 0.1 s for each write", folder, setting) as run:
        run.breaks()
        run.begin()
        run.wait(30)
        run.heals()
        return run.rows(run.end())


def full_queue(folder: Path) -> list[Row]:
    """Backends are away and the queues are small."""
    small: dict[str, Any] = {
        "exporters.otlp_http/prometheus.sending_queue.queue_size": 3000,
        "exporters.otlp_http/prometheus.sending_queue.batch.min_size": 1000,
        "exporters.otlp_http/prometheus.sending_queue.batch.max_size": 3000,
        "exporters.otlp_grpc/tempo.sending_queue.queue_size": 1000,
        "exporters.otlp_http/loki.sending_queue.queue_size": 1000,
    }
    with running("full queues (3,000 points, 1,000 others), 60 s", folder, Setting(small)) as run:
        run.begin()
        _all_away(run, 60)
        run.heals()
        return run.rows(run.end())


def rolling_restart(folder: Path) -> list[Row]:
    """Two gateways behind an agent are restarted one after the other."""
    gateways = (GATEWAY, "otel-gateway-2")
    apart = ("--mount", "--map-root-user")
    why = "two gateways take one name in a mount namespace of their agent"
    unshare = able(why, "unshare", *apart, "true")
    words = 'mount --bind "$0" /etc/hosts && exec "$@"'
    setting = Setting(
        files=[_HERE / "gateways.yml"],
        names={"gateways": gateways},
        under={"otel-agent": (unshare, *apart, "/bin/sh", "-c", words, "{hosts}")},
        door="otel-agent",
        collectors=(*gateways, "otel-agent"),
    )  # fmt: skip
    with running("rolling restart of two gateways", folder, setting) as run:
        run.begin()
        run.breaks()
        for name in gateways:
            run.stack.restart(name)
            run.wait(10)
        run.heals()
        return run.rows(run.end())


FAULTS: Final[dict[str, Callable[[Path], list[Row]]]] = {
    "killed-collector": killed_collector,
    "prometheus-down": prometheus_down,
    "doors-down": doors_down,
    "refusing-collector": refusing_collector,
    "full-storage": full_storage,
    "full-disk": full_disk,
    "slow-disk": slow_disk,
    "full-queue": full_queue,
    "rolling-restart": rolling_restart,
}

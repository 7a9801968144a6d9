"""
This module checks that telemetry is found out that waits where a kill, or a full disk, ends it.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import PROMETHEUS, changed, faults, found

QUEUE = "sending_queue: {storage: file_storage, batch: {}}"
BATCHED = "[memory_limiter, resource_detection, delta_to_cumulative, batch]"


def with_batch(settings: str, queue: str = QUEUE) -> str:
    """
    The configuration without fault, with a batch processor before one exporter's queue.
    """
    text = changed(PROMETHEUS, PROMETHEUS.replace(QUEUE, queue))
    text = text.replace(
        "  delta_to_cumulative:\n", f"  delta_to_cumulative:\n  batch: {settings}\n"
    )
    return text.replace("[memory_limiter, resource_detection, delta_to_cumulative]", BATCHED)


def test_requests_that_leave_one_by_one_are_told(tmp_path: Path) -> None:
    """
    Without batches every request of every program is a write to the disk and a request again.
    """
    text = changed(PROMETHEUS, PROMETHEUS.replace(", batch: {}", ""))

    assert [("warning", "exporters.otlp_http/prometheus.sending_queue")] == faults(
        tmp_path, text, "each request that comes in is kept and sent by itself"
    )


@pytest.mark.parametrize(
    ("settings", "told"), [("", 1), ("{timeout: 5s}", 1), ("{timeout: 0s}", 0)]
)
def test_batches_before_a_queue_are_told(tmp_path: Path, settings: str, told: int) -> None:
    """
    A batch in memory before a queue on disk undoes what the queue promises.
    """
    found_of = faults(tmp_path, with_batch(settings), "what it holds is lost when")

    assert [("warning", "processors.batch")] * told == found_of


def test_a_batch_processor_is_enough_of_batches(tmp_path: Path) -> None:
    """
    Batches may be made before the queue, without waiting there.
    """
    text = with_batch("{timeout: 0s}", QUEUE.replace(", batch: {}", ""))

    assert [] == found(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        (", max_size: 9", "", "extensions.file_storage", "its queues may fill the disk"),
        ("max_size: 9", "max_size: 0", "extensions.file_storage", "its queues may fill the disk"),
        ("/var/lib/otelcol", "/tmp/queue", "extensions.file_storage.directory",
         "what waits below /tmp/queue is gone"),
        ("/var/lib/otelcol", "/dev/shm", "extensions.file_storage.directory",
         "what waits below /dev/shm is gone"),
        ("/var/lib/otelcol", "'${env:QUEUE:-/run/queue}'", "extensions.file_storage.directory",
         "what waits below /run/queue is gone"),
    ],
)  # fmt: skip
def test_a_folder_that_holds_no_queue_well_is_told(
    tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    """
    A queue needs a bound, or it fills the disk, and a folder that outlives the container.
    """
    assert [("warning", place)] == faults(tmp_path, changed(old, new), message)


def test_a_folder_that_is_set_to_nothing_is_told(tmp_path: Path) -> None:
    """
    A variable that is set to nothing stands for nothing, whatever default it has.
    """
    text = changed("/var/lib/otelcol", "'${env:QUEUE:-/var/lib/otelcol}'")

    assert [("error", "extensions.file_storage.directory")] == faults(
        tmp_path, text, "it names no folder", QUEUE=""
    )
    assert [] == faults(tmp_path, text, "it names no folder")


def test_a_folder_of_a_like_name_is_let_be(tmp_path: Path) -> None:
    """
    A folder is not below another because its name begins like it.
    """
    assert [] == found(tmp_path, changed("/var/lib/otelcol", "/tmpfolder"))

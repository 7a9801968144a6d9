"""This module checks what the campaign of the tiers makes of the compose file and of objects."""

from pathlib import Path

import pytest
from tests.campaigns import tiers
from tests.test_stack_files import SERVICES

WEED = Path("/opt/weed")


@pytest.mark.parametrize("service", ["s3", "s3-bucket"])
def test_commands_of_the_compose_file_run_on_this_host(service: str) -> None:
    """
    The program is the given one, at its own address, and nothing of Docker's is left.
    """
    (script,) = SERVICES[service]["command"]
    rendered = tiers.here(script, WEED)

    assert f"{WEED} s" in rendered
    assert tiers.ADDRESS in rendered
    assert [] == [left for left in ("$$", "=s3", " weed ") if left in rendered]


@pytest.mark.parametrize("kind", tiers.REQUESTS)
def test_objects_are_read_to_the_last_record(kind: str) -> None:
    """
    Records are found in every resource and scope of a request.
    """
    request = tiers.REQUESTS[kind]()
    names = {"logs": "log_records", "traces": "spans", "metrics": "metrics"}
    resource = {"logs": "resource_logs", "traces": "resource_spans", "metrics": "resource_metrics"}
    scope = {"logs": "scope_logs", "traces": "scope_spans", "metrics": "scope_metrics"}
    for _ in range(2):
        added = getattr(request, resource[kind]).add()
        for _ in range(3):
            getattr(getattr(added, scope[kind]).add(), names[kind]).add()
    read = tiers.REQUESTS[kind].FromString(request.SerializeToString())

    assert 6 == len(list(tiers.records(kind, read)))

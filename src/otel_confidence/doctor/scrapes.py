"""
This module asks Prometheus whether it reaches the programs that it scrapes.

The alerts on the stack itself rest on it: of a program that is not scraped nothing is known.
"""

from typing import Final

from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import Door, excerpt
from otel_confidence.doctor.told import ForeignError, Teller

_PLACE: Final = "reaches what it scrapes"


def look(prometheus: Door) -> Check:
    """
    Whether every target answered its last scrape; one that was not scraped yet is no fault.
    """
    try:
        targets = Teller(prometheus, "Prometheus").rows(
            "/api/v1/targets", "activeTargets", state="active"
        )
    except ForeignError as error:
        return Check.failing("Prometheus", _PLACE, error.cause)
    down = [target for target in targets if target.get("health") == "down"]
    if not targets:
        return Check("Prometheus", _PLACE, "skipped", "it does not tell of targets")
    if not down:
        return Check("Prometheus", _PLACE, "ok", f"{len(targets)} programs")
    job, why = (excerpt(str(down[0].get(name))) for name in ("scrapePool", "lastError"))
    unreached = Cause(
        f"{len(down)} of {len(targets)} do not answer; {job}: {why}",
        "start it, or take it out of scrape_configs in prometheus.yml: alerts on it are blind",
    )
    return Check.doubtful("Prometheus", _PLACE, unreached)

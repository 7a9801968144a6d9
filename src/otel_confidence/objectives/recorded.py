"""
This module names the series that the rules of objectives record.

The names and labels are those of Sloth, so that what was made for its rules works with these too.
The three below that begin with ``slo:sli_events``, ``slo:sli_bad`` are our own.
"""

from typing import Final

SLO_ID: Final = "sloth_id"
SLO_SERVICE: Final = "sloth_service"
SLO_NAME: Final = "sloth_slo"
SLO_WINDOW: Final = "sloth_window"
SLO_SEVERITY: Final = "sloth_severity"
OBJECTIVE: Final = "slo:objective:ratio"
ERROR_BUDGET: Final = "slo:error_budget:ratio"
PERIOD_DAYS: Final = "slo:time_period:days"
CURRENT_BURN_RATE: Final = "slo:current_burn_rate:ratio"
PERIOD_BURN_RATE: Final = "slo:period_burn_rate:ratio"
BUDGET_REMAINING: Final = "slo:period_error_budget_remaining:ratio"
INFO: Final = "sloth_slo_info"
VERDICT: Final = "slo:sli_bad_slice:bool"
"""1 in a bad minute and 0 in a good one, where time is judged."""


def error_ratio(window: str) -> str:
    """
    The error ratio over a window.
    """
    return f"slo:sli_error:ratio_rate{window}"


def events(window: str) -> str:
    """
    The number of events within a window, or of judged minutes.
    """
    return f"slo:sli_events:increase{window}"


def bad_events(window: str) -> str:
    """
    The number of bad ones.
    """
    return f"slo:sli_bad_events:increase{window}"

"""
This module holds the options of ``up`` that say who is told of alerts.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from otel_confidence.alerting.durations import milliseconds
from otel_confidence.alerting.notifying.routes import Pace
from otel_confidence.server.ruling import Telling

_Command = TypeVar("_Command", bound=Callable[..., Any])
_HELP: Final = {
    "notify": "Where to tell of alerts: a webhook (https://...) that gets Alertmanager's JSON, a "
    "file of JSON lines (PATH.jsonl), or an address of Apprise such as slack://...; can be "
    "repeated, and limited as in critical=pagerduty://.... Variable: OTEL_CONFIDENCE_NOTIFY, "
    "several between spaces.",
    "host": "Host that may be notified although it is not on the public internet; can be repeated.",
    "alertmanager": "Address of an Alertmanager to tell of alerts too; can be repeated.",
    "by": "Labels whose alerts are told of together; can be repeated.",
    "wait": "How long the first notification of a group waits for more alerts.",
    "interval": "The least between two notifications of a group.",
    "repeat": "After how long a group that still fires is told of again.",
}


class _Length(click.ParamType[int]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else milliseconds(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def telling_options(command: _Command) -> _Command:
    """
    Give a command the options.
    """
    pace, length = Pace(), _Length()
    options = (
        click.option("--notify", multiple=True, envvar="OTEL_CONFIDENCE_NOTIFY",
                     metavar="[SEVERITY=]ADDRESS", help=_HELP["notify"]),
        click.option("--notify-host", multiple=True, metavar="HOST", help=_HELP["host"]),
        click.option("--alertmanager", multiple=True, metavar="URL", help=_HELP["alertmanager"]),
        click.option("--group-by", multiple=True, default=pace.group_by, metavar="LABEL",
                     help=_HELP["by"]),
        click.option("--group-wait", type=length, default="30s", help=_HELP["wait"]),
        click.option("--group-interval", type=length, default="5m", help=_HELP["interval"]),
        click.option("--repeat-interval", type=length, default="4h", help=_HELP["repeat"]),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def telling_of(given: dict[str, Any]) -> Telling:
    """
    What the options say, which are taken out of what was given.
    """
    return Telling(
        notify=given.pop("notify"),
        trusted_hosts=given.pop("notify_host"),
        alertmanagers=given.pop("alertmanager"),
        pace=Pace(
            group_by=given.pop("group_by"),
            wait_ms=given.pop("group_wait"),
            interval_ms=given.pop("group_interval"),
            repeat_ms=given.pop("repeat_interval"),
        ),
    )

"""
This module reads lengths of time from the command line.
"""

import re
from typing import Any

import click

_UNITS_D = {"h": 1 / 24, "d": 1.0, "w": 7.0, "y": 365.0}


class Retention(click.ParamType[float]):
    """
    A time such as ``36h``, ``15d``, ``8w`` or ``1y``, in days.
    """

    name = "retention"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """
        The days that the text means.
        """
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([hdwy])", str(value).strip())
        if not found or not float(found[1]):
            self.fail(f"{value!r} is no time such as 36h, 15d, 8w or 1y", param, ctx)
        return float(found[1]) * _UNITS_D[found[2]]

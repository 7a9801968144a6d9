"""
This module reads sizes from the command line.
"""

import re
from typing import Any, Final

import click

_UNITS: Final = ("B", "KB", "MB", "GB", "TB", "PB")


class Size(click.ParamType[int]):
    """
    A size such as ``512MB`` or ``10GB``, in bytes; units are powers of 1024, as in Prometheus.
    """

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """
        The bytes that the text means.
        """
        if isinstance(value, int):
            return value
        text = str(value).strip()
        if text == "0":
            return 0
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGTP]?B)", text)
        size = float(found[1]) * 1024 ** _UNITS.index(found[2]) if found else 0
        if size < 1:
            self.fail(f"{value!r} is no size such as 512MB or 10GB", param, ctx)
        return int(size)

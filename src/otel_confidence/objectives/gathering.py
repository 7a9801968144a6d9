"""
This module gathers what several checks complain of, so that everything wrong is said at once.
"""

from collections.abc import Callable

from otel_confidence.errors import ObjectiveError


def check_all(*checks: Callable[[], object]) -> None:
    """
    Run every check, also after one that complained.

    Raises:
        ObjectiveError: the first complaint, with the further ones in its ``others``.
    """
    found = [error for check in checks for error in _complaints(check)]
    if found:
        found[0].others = tuple(found[1:])
        raise found[0]


def _complaints(check: Callable[[], object]) -> tuple[ObjectiveError, ...]:
    try:
        check()
    except ObjectiveError as error:
        return (error, *error.others)
    return ()

"""
This module holds every exception the package raises.
"""


class OtelConfidenceError(Exception):
    """
    Anything the package raises on purpose.
    """


class ConfigurationError(OtelConfidenceError, ValueError):
    """
    A wrong declaration, setting or missing optional library, found before anything runs.
    """


class MissingExtraError(ConfigurationError):
    """
    A library that is not installed, and comes with an extra of this package.
    """

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(
            f"{need}, which comes with the extra [{extra}]: "
            f"pip install 'otel-confidence[{extra}]', or '.[{extra}]' from a clone"
        )
        self.extra = extra
        """The extra to install."""


class FileError(ConfigurationError):
    """
    A file of settings, or something in it, that cannot be understood.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        """The field that is wrong; empty where it is the whole."""
        self.reason = message
        """What is wrong with it, and what would be right."""


class ObjectiveError(FileError):
    """
    An objective, or a file of them, that cannot be understood.
    """

    others: "tuple[ObjectiveError, ...]" = ()
    """What is wrong besides, where several fields of one objective are."""


class InvalidRecord(OtelConfidenceError, ValueError):  # noqa: N818  reads as what it is
    """
    One record, point or receipt that cannot be accepted; the others of its batch are kept.
    """

    def __init__(self, message: str, *, reason: str = "invalid_value") -> None:
        super().__init__(message)
        self.reason = reason
        """Why, in a word: the value of ``otel_confidence.reason`` it is counted under."""


class QueryError(OtelConfidenceError):
    """
    A query that cannot be answered, with the error type and status of Prometheus's HTTP API.
    """

    def __init__(self, message: str, *, kind: str = "bad_data", status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


class StoreError(OtelConfidenceError):
    """
    The store cannot serve: the folder is in use, the disk is full, the engine failed.
    """


class StoreDamaged(StoreError):  # noqa: N818  reads as what it is
    """
    A file of the store does not hold what was written to it.
    """


class StoreBusy(StoreError):  # noqa: N818  reads as what it is
    """
    The store's queue is full; nothing was kept and the sender should try again.
    """


class TemplateError(OtelConfidenceError, ValueError):
    """
    A template of a rule that cannot be read, or cannot be carried out on what it is given.
    """

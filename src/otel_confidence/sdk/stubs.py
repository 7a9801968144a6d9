"""
This module reads what a receiver answers by gRPC.
"""

import re
from typing import Any, Final

import grpc

from otel_confidence.sdk import outages
from otel_confidence.sdk.responses import in_part, note

_CUT_OFF: Final = re.compile(
    r"(?i)stream removed|socket closed|recvmsg|connection reset|broken pipe|larger than max"
)
"""What gRPC says of a call that may have been taken and whose answer never came, or not whole."""


def reading(exporter_class: Any) -> Any:
    """
    A class of exporters whose answers are read.
    """

    class Reading(exporter_class):  # type: ignore[misc]  # one of three, none of them imported here
        """
        The same, with its stub wrapped whenever it makes one.
        """

        def _initialize_channel_and_stub(self) -> None:
            super()._initialize_channel_and_stub()
            self.__dict__["_client"] = _Stub(self.__dict__["_client"])

    return Reading


class _Stub:
    """
    A stub of one of OTLP's services that reads what it is answered.
    """

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def Export(self, **request: Any) -> Any:  # noqa: N802  as OTLP names it
        """
        Send, and read the answer.
        """
        try:
            answer = self._stub.Export(**request)
        except grpc.RpcError as error:
            attempt = outages.current()
            cut_off = _CUT_OFF.search(str(error.details()))
            if attempt is None or not cut_off or attempt.may_go_out_again():
                raise
            raise _Ended(error) from error
        note(*in_part(answer.partial_success))
        return answer


class _Ended(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
    """
    A call that is not tried again.
    """

    def __init__(self, error: Any) -> None:
        self._error = error

    def code(self) -> grpc.StatusCode:
        """
        One after which no exporter tries again.
        """
        return grpc.StatusCode.FAILED_PRECONDITION

    def details(self) -> str:
        """
        What gRPC said.
        """
        return str(self._error.details())

    def trailing_metadata(self) -> tuple[()]:
        """
        None.
        """
        return ()

"""
This module notifies webhooks with Alertmanager's JSON.
"""

from dataclasses import dataclass, field
from typing import Final

import httpx

from otel_confidence.alerting.notifying.channels.addresses import public_address
from otel_confidence.alerting.notifying.messages import Notification, webhook
from otel_confidence.errors import ConfigurationError

TIMEOUT_S: Final = 10.0
_PORTS: Final = {"http": 80, "https": 443}


class _Pinned(httpx.HTTPTransport):
    """
    Connects to the very address that was checked, whatever the name means a moment later.
    """

    def __init__(self, trusted: frozenset[str]) -> None:
        super().__init__()
        self._trusted = trusted

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Answer a request.
        """
        host = request.url.host
        port = request.url.port or _PORTS[request.url.scheme]
        address = public_address(host, port, self._trusted)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return super().handle_request(request)


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """
    A webhook; the header ``Idempotency-Key`` is the same whenever the same is told again.
    """

    name: str
    url: str = field(repr=False)
    severities: tuple[str, ...] = ()
    trusted_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        try:
            parts = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ConfigurationError(f"the address of {self.name} is none: {error}") from error
        if parts.scheme not in _PORTS or not parts.host:
            raise ConfigurationError(f"the address of {self.name} has no host")

    def send(self, notification: Notification) -> None:
        """
        Post it; redirects are not followed.

        Raises:
            ConfigurationError: The host must not be notified.
            ConnectionError: It could not be reached, or did not accept.
        """
        try:
            status = self._post(notification)
        except httpx.HTTPError as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        if not httpx.codes.is_success(status):
            raise ConnectionError(f"it answered with status {status}")

    def _post(self, notification: Notification) -> int:
        key = {"Idempotency-Key": notification.id}
        with (
            httpx.Client(
                transport=_Pinned(self.trusted_hosts), timeout=TIMEOUT_S, trust_env=False
            ) as client,
            client.stream("POST", self.url, json=webhook(notification), headers=key) as response,
        ):
            return response.status_code

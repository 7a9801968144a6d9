"""
This module notifies whatever Apprise knows: Slack, e-mail, Teams, PagerDuty, Telegram and others.
"""

import logging
from dataclasses import dataclass, field
from typing import Any, Final

from otel_confidence.alerting.notifying.channels.addresses import public_address
from otel_confidence.alerting.notifying.messages import Notification, text, title
from otel_confidence.errors import ConfigurationError, MissingExtraError

TIMEOUT_S: Final = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceChannel:
    """
    A service by its Apprise address, which never appears in messages.
    """

    name: str
    url: str = field(repr=False)
    severities: tuple[str, ...] = ()
    trusted_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self._service() is None:
            raise ConfigurationError(
                f"{self.url.partition(':')[0][:20]!r} is no address that can be notified: give "
                "https://..., a path that ends in .jsonl, or an address of Apprise such as "
                "slack://, mailto:// or pagerduty://"
            )

    def _service(self) -> Any:
        try:
            import apprise
        except ImportError as missing:
            raise MissingExtraError("this channel needs Apprise", "notify") from missing
        # Apprise writes what it refuses, address and all, into its own log.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        return apprise.Apprise.instantiate(
            self.url, asset=apprise.AppriseAsset(http_redirects=False)
        )

    def send(self, notification: Notification) -> None:
        """
        Tell it, as text.

        Raises:
            ConfigurationError: The host must not be notified.
            ConnectionError: The service did not take it.
        """
        import apprise

        service = self._service()
        host = getattr(service, "host", None)
        if isinstance(host, str) and host and "." in host + ".":
            self._check(host, service)
        telling = apprise.Apprise()
        telling.add(service)
        kind = "failure" if notification.firing else "success"
        done = telling.notify(
            body=text(notification),
            title=title(notification),
            notify_type=kind,
            body_format="text",
            timeout=TIMEOUT_S,
        )
        if not done:
            raise ConnectionError("the service did not take it")

    def _check(self, host: str, service: Any) -> None:
        port = getattr(service, "port", None)
        try:
            public_address(host, port if isinstance(port, int) else 443, self.trusted_hosts)
        except ConfigurationError as error:
            if "not known" not in str(error):
                raise
            # Many services have a token where others have a host.
            _log.debug("%s has no host of its own", self.name)

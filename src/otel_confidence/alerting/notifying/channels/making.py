"""
This module finds the channel that an address means.
"""

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from otel_confidence.alerting.notifying.channels.addresses import refuse_private
from otel_confidence.alerting.notifying.channels.files import FileChannel
from otel_confidence.alerting.notifying.channels.services import ServiceChannel
from otel_confidence.alerting.notifying.channels.webhooks import WebhookChannel
from otel_confidence.alerting.notifying.notifier import Channel
from otel_confidence.alerting.notifying.routes import SEVERITIES
from otel_confidence.errors import ConfigurationError

_LIMITED: Final = re.compile(r"(?P<severities>[a-z]+(?:,[a-z]+)*)=(?P<address>.+)", re.DOTALL)


def channel_of(text: str, *, trusted_hosts: Collection[str] = ()) -> Channel:
    """
    The channel that ``[SEVERITY[,SEVERITY]=]ADDRESS`` means.

    ``http`` and ``https`` are webhooks that get Alertmanager's JSON, a path that ends in
    ``.jsonl`` is a file of JSON lines, everything else an address of Apprise.

    Args:
        text: The address, with the severities that go there; all if none is named.
        trusted_hosts: Hosts that may be notified although they are not on the public internet.

    Raises:
        ConfigurationError: It means none.
    """
    found = _LIMITED.fullmatch(text)
    severities = tuple(found["severities"].split(",")) if found else ()
    address = found["address"] if found else text
    for severity in severities:
        if severity not in SEVERITIES:
            raise ConfigurationError(
                f"unknown severity {severity!r} of a channel, known: {', '.join(SEVERITIES)}"
            )
    url = urlsplit(address)
    scheme = url.scheme.lower()
    name = f"{scheme or 'file'}:{hashlib.blake2b(address.encode(), digest_size=4).hexdigest()}"
    if scheme in ("http", "https"):
        refuse_private(url.hostname or "", trusted_hosts)
        return WebhookChannel(name, address, severities, trusted_hosts=frozenset(trusted_hosts))
    if not scheme and address.endswith(".jsonl"):
        return FileChannel(name, Path(address), severities)
    return ServiceChannel(name, address, severities, trusted_hosts=frozenset(trusted_hosts))

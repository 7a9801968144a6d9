"""
This module makes channels of addresses.
"""

from otel_confidence.alerting.notifying.channels.making import channel_of

__all__ = ["channel_of"]

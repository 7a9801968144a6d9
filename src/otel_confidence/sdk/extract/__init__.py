"""
This module is the door to extraction: what a function returned, made into confidence.
"""

from otel_confidence.sdk.extract.extracted import Extracted
from otel_confidence.sdk.extract.extractor import extractor

__all__ = ["Extracted", "extractor"]

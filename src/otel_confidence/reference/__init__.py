"""
This module offers the reference: how features and confidences were distributed when all was well.

Importing it loads no numpy; making a reference and counting batches do.
"""

from otel_confidence.reference.features import CategoricalFeature, Cell, Feature, NumericFeature
from otel_confidence.reference.model import Histogram, Reference

__all__ = [
    "CategoricalFeature",
    "Cell",
    "Feature",
    "Histogram",
    "NumericFeature",
    "Reference",
]

"""This module names the texts of foreign values where the user's half looks for them."""

from otel_confidence.text import COMMENT_LIMIT, LABEL_LIMIT, clean, label_text, type_name

__all__ = ["COMMENT_LIMIT", "LABEL_LIMIT", "clean", "label_text", "type_name"]

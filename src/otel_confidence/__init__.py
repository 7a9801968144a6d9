"""Confidence as ordinary telemetry."""

"""This package sends telemetry to a real server and asks it."""

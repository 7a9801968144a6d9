"""
The measuring half of telemetry: one emitter for each kind of record.
"""

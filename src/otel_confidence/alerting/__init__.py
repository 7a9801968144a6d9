"""
This module evaluates Prometheus rules in process and tells of their alerts.
"""

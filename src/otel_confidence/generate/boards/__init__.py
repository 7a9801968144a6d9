"""
This module holds the dashboards' panels, a module for each dashboard.
"""

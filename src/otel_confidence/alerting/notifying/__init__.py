"""
This module tells the world of alerts: grouped, in time, once.
"""

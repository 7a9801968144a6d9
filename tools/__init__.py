"""
This module is the way in to what the project's own work needs and no user does.
"""

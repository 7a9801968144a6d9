"""
This module keeps secrets and personal data inside the process: what leaves is bounded and scrubbed.
"""

"""
This module says where the addresses of the Prometheus HTTP API lie, and ours beside them.
"""

from typing import Final

API: Final = "/api/v1"

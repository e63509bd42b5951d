"""What every program finds, whichever backend runs it."""

from __future__ import annotations

from typing import Final

__all__ = ["ADDRESS_SPACE_BYTES", "DESCRIPTORS", "ENVIRONMENT", "STACK_BYTES"]

ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/work",
    "LANG": "C.UTF-8",
}
DESCRIPTORS: Final = 512
STACK_BYTES: Final = 2**28
ADDRESS_SPACE_BYTES: Final = 2**46
"""Finite, and beyond what any runtime reserves: the cgroup is what limits memory."""

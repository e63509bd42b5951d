"""How every process of ours logs: one line an event, on standard error."""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["set_up_logging"]

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def set_up_logging() -> None:
    """Log from INFO on; called once at the start of a process."""
    logging.basicConfig(level=logging.INFO, format=_FORMAT)

"""Why a run does not begin or stops; each message names the value and the remedy."""

from __future__ import annotations

__all__ = ["BadFlags", "BadLine", "BadRow", "CannotResume", "CurateError"]


class CurateError(Exception):
    """The base of all errors below."""


class BadFlags(CurateError):
    """The command cannot be carried out as it was given."""


class BadRow(CurateError):
    """A row is not what the flags say it is; whoever reads the file adds the line."""


class BadLine(CurateError):
    """A line of IN that cannot be used, with its file and number."""


class CannotResume(CurateError):
    """OUT and what is known of it do not fit this run, so that going on could lose or double."""

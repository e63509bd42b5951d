"""Runs jobs by forking warm interpreters in namespaces of their own; needs Linux, and no daemon."""

from sandbox.backends.forkserver.forkserver import Forkserver

__all__ = ["Forkserver"]

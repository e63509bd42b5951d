"""The conformance suite: promises that every backend keeps, each proved by running programs.

Every program is bounded in itself, so that the suite does no harm where a layer is missing.
"""

from sandbox.selfcheck.check import Check, Result
from sandbox.selfcheck.suite import CHECKS, run_checks

__all__ = ["CHECKS", "Check", "Result", "run_checks"]

"""A pytest plugin: under CI a skipped test fails the run, because nothing may be missing there."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, pytest.TerminalReporter) and _skipped(reporter):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if count := _skipped(terminalreporter):
        terminalreporter.write_line(f"CI: {count} skipped; install what they need in .ci/run")


def _skipped(reporter: pytest.TerminalReporter) -> int:
    under_ci = os.environ.get("CI", "").lower() in {"1", "true"}
    return len(reporter.stats.get("skipped", ())) if under_ci else 0

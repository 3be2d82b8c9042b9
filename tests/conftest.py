"""What all tests share: parts of the system that may be missing, and what that means where.

A person without root or without podman still runs all the rest: those tests are skipped, with the missing part as the
reason. In CI (the variable CI is "true") everything must run, so there any skip is a failure, whoever asked for it.
"""

import gc
import logging
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from hypothesis import Phase, settings

# Generated cases are the same in every run: a test that fails for one must fail for all. CI only wants to know that one
# fails; making it small, which may take long, is for whoever mends it.
settings.register_profile("same cases", derandomize=True, database=None, deadline=None)
settings.register_profile("ci", settings.get_profile("same cases"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("ci" if os.environ.get("CI") == "true" else "same cases")

pytest_plugins = ["tests.support.fixtures", "tests.support.scheduling"]

RequiresProgram = Callable[..., None]

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


@pytest.fixture(scope="session")
def requires_program() -> RequiresProgram:
    """Call it with the programs that a test or fixture needs, and `as_root=True` where only root can use them."""

    def require(*programs: str, as_root: bool = False) -> None:
        missing = [program for program in programs if shutil.which(program, path=_PATH) is None]
        if missing:
            pytest.skip(f"missing from the system: {', '.join(missing)} (scripts/install-system installs them)")
        if as_root and os.geteuid() != 0:
            pytest.skip(f"only root can do this with {', '.join(programs)}")

    return require


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported stays until the end: to look at it again and again costs a twentieth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _left_open() -> Iterator[None]:
    """Whatever a module has not closed is told as its own failure, not as that of a test which comes later."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _logs_for_nobody_else() -> Iterator[None]:
    """A process configures its logs for good; a test that runs a command of ours does not do so for all after it."""
    yield
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        structlog.reset_defaults()
        root = logging.getLogger()
        root.handlers = [each for each in root.handlers if type(each).__module__ != "process.logs"]
        root.setLevel(logging.WARNING)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not hasattr(report, "wasxfail"):  # an expected failure is reported as a skip too
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: Any) -> None:
    if os.environ.get("CI") == "true" and report.outcome == "skipped":
        _, _, reason = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}\nIn CI nothing may be skipped: the tests' machine must have what they need."

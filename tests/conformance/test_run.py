"""What the suite is told, and which reports are kept."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from process.version import VERSION
from tests.conformance.__main__ import _run_of
from tests.conformance.run import CORE, PROFILES, REPORTS, UNBOOKED, Run, with_heading, wrong_with
from tests.support.gateway_crds import VERSION as RELEASE
from translator.gateway.statuses import FEATURES


def test_the_suite_is_told_what_is_run_and_the_last_word_is_the_persons() -> None:
    run = Run(("GATEWAY-HTTP",), "experimental", ("--run-test=HTTPRouteWeight", "--url=https://a.test"))
    arguments = run.arguments(Path("/x/report.yaml"))
    assert "--gateway-class=dragoman-dedicated" in arguments
    assert "--conformance-profiles=GATEWAY-HTTP" in arguments
    assert f"--version={VERSION}" in arguments
    assert "--report-output=/x/report.yaml" in arguments
    assert arguments[-2:] == ["--run-test=HTTPRouteWeight", "--url=https://a.test"]


@pytest.mark.parametrize(
    ("run", "whole"),
    [
        (Run(), True),
        (Run(channel="experimental", more=("--debug", "--url=https://a.test")), True),
        (Run(("GATEWAY-HTTP",)), False),
        (Run(more=("--run-test=X",)), False),
        (Run(more=("--skip-tests=X",)), False),
        (Run(more=("--skip-provisional-tests",)), False),
        (Run(more=("-skip-tests=X",)), False),
        (Run(more=("-run-test=X",)), False),
        (Run(more=("--supported-features=Gateway",)), False),
        (Run(more=("-test.run=^TestConformance$/^HTTPRouteWeight$",)), False),
    ],
)
def test_only_the_report_of_a_whole_run_is_kept(run: Run, whole: bool) -> None:
    assert run.is_whole is whole


def test_a_report_says_the_command_that_made_it() -> None:
    run = _run_of(["--profiles=GATEWAY-HTTP", "--channel=experimental", "--run-test=X"])
    assert run.command == "make conformance CHANNEL=experimental PROFILES=GATEWAY-HTTP ARGS=--run-test=X"
    assert _run_of([f"--profiles={','.join(PROFILES)}"]) == Run()
    assert with_heading("a: 1\n", Run()).splitlines()[0].startswith("# MADE by `make conformance CHANNEL=standard`;")


def profile(
    name: str, result: str = "success", more: Sequence[str] = (), less: Sequence[str] = ()
) -> dict[str, object]:
    """A profile of a report."""
    features = sorted({*FEATURES, *more} - CORE - UNBOOKED - {*less})
    return {"name": name, "core": {"result": "success"}, "extended": {"result": result, "supportedFeatures": features}}


def test_what_is_kept_is_the_suites_own_report_of_our_release() -> None:
    report = {
        "kind": "ConformanceReport",
        "gatewayAPIVersion": RELEASE,
        "gatewayAPIChannel": "standard",
        "implementation": {"version": VERSION},
        "profiles": [profile(name) for name in PROFILES],
    }
    good = with_heading(yaml.safe_dump(report), Run())
    name = Run().report.name
    assert wrong_with(name, good) == ""
    assert wrong_with(name, yaml.safe_dump(report)) == "it does not say which command made it"
    assert "is called otherwise" in wrong_with("other.yaml", good)
    for field, value in (("kind", "Other"), ("gatewayAPIVersion", "v1.0.0")):
        assert "no ConformanceReport" in wrong_with(name, with_heading(yaml.safe_dump(report | {field: value}), Run()))
    for profiles, wrong in (
        ([profile("GATEWAY-HTTP")], "profiles are missing"),
        ([*map(profile, PROFILES[:-1]), profile(PROFILES[-1], "failure")], "not all tests passed"),
        ([profile(name, more=("HTTPRouteUnheardOf",)) for name in PROFILES], "claims: HTTPRouteUnheardOf"),
        ([profile(name, less=("ListenerSet",)) for name in PROFILES], "claims: ListenerSet"),
    ):
        other = report | {"profiles": profiles}
        assert wrong_with(name, with_heading(yaml.safe_dump(other), Run())).endswith(wrong)


def test_the_reports_that_are_kept_are_of_this_version_and_of_what_is_claimed() -> None:
    kept = {path.name: wrong_with(path.name, path.read_text()) for path in REPORTS.glob("*-report.yaml")}
    assert kept == dict.fromkeys((Run(channel=each).report.name for each in ("standard", "experimental")), "")

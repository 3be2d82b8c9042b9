"""A quick part of Gateway API's own suite, in the cluster that the other tests have: `make conformance` runs it whole.

Each profile has a test or two, of those that take a second or two. The suite's own report has to speak of them alone.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from process.version import VERSION
from tests.conformance.asking import command, load_echo
from tests.conformance.programs import Programs
from tests.conformance.run import PROFILES, Run
from tests.e2e.cluster.gateway import Installed, gateway_api
from tests.support.gateway_crds import VERSION as RELEASE

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

QUICK = {
    "GATEWAY-HTTP": ("HTTPRouteMatching", "HTTPRouteHTTPSListener", "HTTPRouteWeight"),
    "GATEWAY-GRPC": ("GRPCExactMethodMatching", "GRPCRouteHeaderMatching"),
    "GATEWAY-TLS": ("TLSRouteMixedTerminationSameNamespace",),
    "GATEWAY-TCP": ("TCPRouteReferenceGrant",),
    "GATEWAY-UDP": ("UDPRouteParentRefAttachAllListeners",),
}
OUTCOME = re.compile(r"^ {4}--- (\w+): TestConformance/(\w+) ", re.MULTILINE)
LONGEST = 600.0  # seconds; the suite's own limits are shorter


@pytest.fixture(scope="module")
def programs(
    cluster_needs: None, conformance_programs: Programs, installed: Installed, gateway_api_release: Path
) -> Iterator[Programs]:
    load_echo(installed.cluster, conformance_programs)
    with gateway_api(installed.cluster, "dedicated-addresses"):
        yield conformance_programs


def test_a_part_of_each_profile_passes(programs: Programs, installed: Installed, tmp_path: Path) -> None:
    chosen = [name for names in QUICK.values() for name in names]
    run = Run(more=(f"-test.run=^TestConformance$/^({'|'.join(chosen)})$",))
    where = tmp_path / "report.yaml"
    asked = command(installed.cluster, programs, run, where)
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=LONGEST)
    assert done.returncode == 0, f"{done.stdout[-20000:]}{done.stderr[-2000:]}"
    assert {name: word for word, name in OUTCOME.findall(done.stdout)} == dict.fromkeys(chosen, "PASS")

    report = yaml.safe_load(where.read_text())
    assert (report["gatewayAPIVersion"], report["implementation"]["version"]) == (RELEASE, VERSION)
    assert {each["name"] for each in report["profiles"]} == set(PROFILES)
    for profile in report["profiles"]:
        parts = [profile[part] for part in ("core", "extended") if part in profile]
        counted = [sum(part["statistics"][word] for part in parts) for word in ("Passed", "Failed", "Skipped")]
        assert (profile["name"], counted) == (profile["name"], [len(QUICK[profile["name"]]), 0, 0])
        assert {part["result"] for part in parts} == {"success"}

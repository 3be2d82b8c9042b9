"""What a run of the suite is: the arguments that it is given, the ports that it wants open, and where its report goes.

A report is of a whole run. One in which tests were chosen is worth nothing to anybody, and is kept nowhere.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from process.version import VERSION
from tests.support.gateway_crds import VERSION as RELEASE
from tests.support.gateway_crds import Channel
from translator.gateway.statuses import FEATURES

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "docs/conformance"
PROFILES = ("GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TLS", "GATEWAY-TCP", "GATEWAY-UDP")
"""Those that Dragoman claims."""
UNBOOKED = frozenset({"GRPCRouteNamedRouteRule", "GRPCRouteRequestHeaderModifier"})
"""Features that have tests, and that the suite counts in no profile, so that no report speaks of them."""
CORE = frozenset({"Gateway", "ReferenceGrant", "HTTPRoute", "GRPCRoute", "TLSRoute"})
"""Features that a profile is made of, so that a report does not list them; TCPRoute and UDPRoute it lists."""
CLASS = "dragoman-dedicated"
"""The suite has many Gateways with one port and hostname, and takes for granted that each has its own address."""

USABLE, UNUSABLE = "10.97.250.250", "192.0.2.1"
"""An address that the load balancer has, and one that it has not."""

_CHOOSING = ("run-test", "skip-", "exempt-features", "supported-features", "all-features", "test.run", "test.skip")


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `more`: arguments for the suite itself, as it has them."""

    profiles: Sequence[str] = PROFILES
    channel: Channel = "standard"
    more: Sequence[str] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was chosen or left out of what we claim."""
        return tuple(self.profiles) == PROFILES and not any(
            each.lstrip("-").startswith(_CHOOSING) for each in self.more
        )

    @property
    def command(self) -> str:
        """What to write in a shell to do it again."""
        said = ["make", "conformance", f"CHANNEL={self.channel}"]
        if tuple(self.profiles) != PROFILES:
            said.append(f"PROFILES={','.join(self.profiles)}")
        if self.more:
            said.append(f"ARGS={' '.join(self.more)}")
        return shlex.join(said)

    @property
    def report(self) -> Path:
        """Where the report of a whole run belongs."""
        return REPORTS / f"{self.channel}-{VERSION}-default-report.yaml"

    def arguments(self, report: Path) -> list[str]:
        """The suite's arguments. What is said in `more` comes last, and counts."""
        return [
            "-test.v",
            "-test.run=^TestConformance$",
            "-test.timeout=0",
            f"--gateway-class={CLASS}",
            f"--usable-address={USABLE}",
            f"--unusable-address={UNUSABLE}",
            f"--conformance-profiles={','.join(self.profiles)}",
            "--organization=dragoman",
            "--project=dragoman",
            "--url=https://dragoman.example/",
            f"--version={VERSION}",
            "--contact=@dragoman",
            f"--report-output={report}",
            *self.more,
        ]


def wrong_with(name: str, text: str) -> str:
    """Why a report that is kept is none of a whole run of what we claim, or not well; nothing where it is."""
    report = yaml.safe_load(text)
    named = f"{report.get('gatewayAPIChannel')}-{report.get('implementation', {}).get('version')}-"
    if not text.startswith("# MADE by `make conformance CHANNEL="):
        return "it does not say which command made it"
    if report.get("kind") != "ConformanceReport" or report.get("gatewayAPIVersion") != RELEASE:
        return f"it is no ConformanceReport of Gateway API {RELEASE}"
    if not name.startswith(named):
        return f"it is called otherwise than {named}..."
    if {each["name"] for each in report["profiles"]} != set(PROFILES):
        return "profiles are missing"
    results = [each[part]["result"] for each in report["profiles"] for part in ("core", "extended")]
    if set(results) != {"success"}:
        return "not all tests passed"
    shown = {feature for each in report["profiles"] for feature in each["extended"].get("supportedFeatures", ())}
    other = sorted(shown ^ (set(FEATURES) - CORE - UNBOOKED))
    return f"it is about other features than a GatewayClass claims: {', '.join(other)}" if other else ""


def with_heading(report: str, run: Run) -> str:
    """A report as it is kept: with the command that made it."""
    return f"# MADE by `{run.command}`; docs/conformance/README.md says what it means.\n{report}"

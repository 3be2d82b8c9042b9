"""`make conformance`: Gateway API's own suite against Dragoman in a real Kubernetes of its own, from start to report.

    python -m tests.conformance [--profiles A,B] [--channel standard|experimental] [SUITE ARGUMENTS]

The exit code is the suite's: 0 when all that was run has passed; 2 when the machine cannot run it.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.conformance.asking import command, load_echo
from tests.conformance.programs import Programs
from tests.conformance.programs import ensure as ensure_suite
from tests.conformance.run import CLASS, PROFILES, Run, with_heading
from tests.e2e.cluster.binaries import BinariesError, ensure
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.gateway import DEPLOYMENT, MANIFESTS, NAMESPACE, SERVICE, load_image
from tests.e2e.cluster.needs import missing
from tests.e2e.cluster.toolchain import ToolchainError
from tests.image.containers import private_engine
from tests.support.gateway_crds import install_whole
from tests.support.gobuild import BuildError

FIRST = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "first", "namespace": NAMESPACE},
    "spec": {"gatewayClassName": CLASS, "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
}
"""A pod without any listener is not ready, and the suite's Gateways come only when all is."""

MERGE = "application/merge-patch+json"


def say(line: str) -> None:
    """Tell the person."""
    print(line, flush=True)


def main() -> int:
    """Do what the command line says."""
    run = _run_of(sys.argv[1:])
    if lacking := missing():
        say(f"conformance: {lacking}")
        return 2
    try:
        ensure(say=say)
        programs = ensure_suite(say)
    except (BinariesError, BuildError, ToolchainError) as error:
        say(f"conformance: {error}")
        return 2
    with Cluster() as cluster:
        _install(cluster, programs, run)
        return _ask(cluster, programs, run)


def _run_of(arguments: list[str]) -> Run:
    parser = argparse.ArgumentParser(prog="make conformance", allow_abbrev=False)
    parser.add_argument("--profiles", default=",".join(PROFILES), help="which of the suite's profiles, with commas")
    parser.add_argument("--channel", choices=("standard", "experimental"), default="standard")
    ours, more = parser.parse_known_args(arguments)
    return Run(tuple(filter(None, ours.profiles.split(","))), ours.channel, tuple(more))


def _install(cluster: Cluster, programs: Programs, run: Run) -> None:
    """Gateway API's kinds, and Dragoman as people install it, but with one pod."""
    say(f"a node is ready; installing Gateway API ({run.channel} channel) and Dragoman ...")
    load_echo(cluster, programs)
    with private_engine() as engine:
        engine.build()
        load_image(cluster, engine)
    install_whole(cluster, run.channel)
    cluster.apply(MANIFESTS)
    deployment = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{DEPLOYMENT}"
    cluster.ask("PATCH", deployment, {"spec": {"replicas": 1}}, content_type=MERGE)
    cluster.apply(MANIFESTS / "gateway-api")
    cluster.apply(MANIFESTS / "gateway-api/dedicated-addresses")
    cluster.apply(json.dumps(FIRST))
    cluster.wait_rollout(NAMESPACE, DEPLOYMENT)
    say(f"Dragoman is ready, at {cluster.wait_address(NAMESPACE, SERVICE)}; its class is {CLASS}")


def _ask(cluster: Cluster, programs: Programs, run: Run) -> int:
    """Run the suite inside of the cluster's network, and keep its report where it is of a whole run."""
    report = cluster.folder / "report.yaml"
    code = subprocess.run(command(cluster, programs, run, report), check=False).returncode
    if not report.exists():
        say("there is no report: the suite did not come so far")
    elif run.is_whole:
        _keep(report, run)
        say(f"the report: {run.report}")
    else:
        say(f"not kept, since not all was run:\n{report.read_text()}")
    return code


def _keep(report: Path, run: Run) -> None:
    run.report.parent.mkdir(parents=True, exist_ok=True)
    run.report.write_text(with_heading(report.read_text(), run))


if __name__ == "__main__":
    sys.exit(main())

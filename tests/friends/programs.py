"""What people run beside a gateway, built from its own modules: cert-manager, Argo Rollouts, Flagger, external-dns.

    python -m tests.friends.programs [NAME...]      builds what is absent

And Pebble, the ACME server for tests of Let's Encrypt, with the DNS server that is beside it.
"""

import json
import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import yaml

from tests.conformance.programs import GO
from tests.e2e.cluster.toolchain import USUAL, Release, ToolchainError
from tests.support.gobuild import BuildError, GoModule, build, ensure, files

UNBUILT = "DRAGOMAN_FRIENDS_UNBUILT"
"""The variable by which tests are told what could not be built, and why: JSON."""

_MODULES = Path(__file__).parent / "modules"
_PEBBLE = "github.com/letsencrypt/pebble/v2/cmd"


def _module(name: str, go: Release, packages: Mapping[str, str], about: str, files: Mapping[str, str]) -> GoModule:
    commands = {program: build(package) for program, package in packages.items()}
    return GoModule(f"friends-{name}", _MODULES / name, go, commands, about, files)


FRIENDS: Mapping[str, GoModule] = {
    "pebble": _module(
        "pebble",
        USUAL,
        {"pebble": f"{_PEBBLE}/pebble", "pebble-challtestsrv": f"{_PEBBLE}/pebble-challtestsrv"},
        "Pebble: half a minute on 2 cores",
        {},
    ),
    "certmanager": _module(
        "certmanager",
        USUAL,
        {"certmanager": "."},
        "cert-manager: some 5 minutes on 2 cores",
        {"github.com/cert-manager/cert-manager": "deploy/crds/*.yaml"},
    ),
    "rollouts": _module(
        "rollouts",
        GO,
        {"rollouts-controller": "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"},
        "Argo Rollouts: some 8 minutes on 2 cores",
        {"github.com/argoproj/argo-rollouts": "manifests/crds/*-crd.yaml"},
    ),
    "flagger": _module(
        "flagger",
        USUAL,
        {"flagger": "github.com/fluxcd/flagger/cmd/flagger"},
        "Flagger: some 3 minutes on 2 cores",
        {"github.com/fluxcd/flagger": "artifacts/flagger/crd.yaml"},
    ),
    "externaldns": _module(
        "externaldns",
        GO,
        {"externaldns": "."},
        "external-dns: some 4 minutes on 2 cores",
        {},
    ),
}


def programs(name: str, say: Callable[[str], None] = lambda line: None) -> Path:
    """The folder of a friend's programs; built where they are absent. BuildError, or ToolchainError without a Go."""
    return ensure(FRIENDS[name], say)


def crds(name: str) -> str:
    """The CRDs that a friend's own release brings, as YAML."""
    friend = FRIENDS[name]
    every = (yaml.safe_load_all(path.read_text()) for path in files(friend, programs(name)))
    return yaml.safe_dump_all(each for documents in every for each in documents if each)


def build_all(names: Collection[str], say: Callable[[str], None]) -> Mapping[str, str]:
    """Build these; why some cannot be built, by name: the others are built all the same."""
    failed = {}
    for name in FRIENDS:
        if name in names:
            try:
                programs(name, say)
            except (BuildError, ToolchainError) as error:
                say(f"{name}: {error}")
                failed[name] = str(error)
    return failed


def unbuilt() -> Mapping[str, str]:
    """What could not be built before these tests began, and why."""
    return dict(json.loads(os.environ.get(UNBUILT, "{}")))


def main(names: list[str]) -> int:
    """Build these, or all."""
    if unknown := set(names) - FRIENDS.keys():
        print(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(FRIENDS)}", file=sys.stderr)
        return 2
    return 1 if build_all(names or FRIENDS.keys(), lambda line: print(line, file=sys.stderr, flush=True)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

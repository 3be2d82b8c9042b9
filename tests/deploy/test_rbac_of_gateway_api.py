"""What the manifests of Gateway API allow is what watcher and reporter ask for, as an API server writes it down."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.reading import DEPLOY, Permission, permissions
from tests.deploy.test_rbac_is_used import asked, audited, covers
from tests.reporter.shared_statuses import EARLIER, SPECS, THEIRS, Gateways, condition, entry, well
from tests.support.envoy import short_folder, wait_until
from tests.support.gateway_crds import GROUP, install
from watcher.gateway_kinds import GATEWAY_KINDS

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def folder() -> Iterator[Path]:
    made = short_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_nothing_is_missing_and_nothing_is_too_much(tmp_path: Path, folder: Path, gateway_api_release: Path) -> None:
    allowed, forbidden = set(), set()
    # An API server that cannot begin a watch with all objects is listed first.
    for number, flags in enumerate(((), ("--feature-gates=WatchList=false",))):
        for place in (tmp_path / str(number), folder / str(number)):
            place.mkdir()
        seen, refused = lived(tmp_path / str(number), folder / str(number), *flags)
        allowed |= seen
        forbidden |= refused
    given = permissions(DEPLOY / "gateway-api/rbac.yaml")
    unused = {one for one in given if not any(covers(one, request) for request in allowed)}
    assert set(map(str, unused)) == set(map(str, not_seen()))
    assert forbidden == set()


def not_seen() -> set[Permission]:
    """Of the statuses that are read again, since another one has just written, one is enough here."""
    told = [kind for kind in GATEWAY_KINDS if kind.is_told and kind.name != "HTTPRoute"]
    return {Permission("*", kind.resource, "*", "get") for kind in told}


def lived(logs: Path, folder: Path, *flags: str) -> tuple[set[tuple[str, str, str, str]], set[str]]:
    """What a watcher and a reporter asked for that have one object of each kind."""
    with audited(logs, *flags) as (api, log):
        install(api)
        for manifest in ("crds.yaml", "namespace.yaml", "rbac.yaml", "gateway-api"):
            api.apply(DEPLOY / manifest)
        account = api.account_kubeconfig("dragoman", namespace="dragoman")
        gateways = Gateways(api, folder, account, "dragoman")
        try:
            keys = {kind: gateways.create(kind) for kind in SPECS} | {"GatewayClass": f"{GROUP}/GatewayClass//dragoman"}
            ca = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}
            named = {"spec": {"validation": {**ca, "wellKnownCACertificates": None}}}
            gateways.edit(keys["BackendTLSPolicy"], named)
            api.ask("POST", "/api/v1/namespaces/dragoman/configmaps", {"metadata": {"name": "ca"}})
            wait_until(lambda: "core/ConfigMap/dragoman/ca" in gateways.watcher.records(), 60, what="the CA")
            wait_until(lambda: "core/Namespace//dragoman" in gateways.watcher.records(), 60, what="the namespace")
            gateways.watcher.kill()  # so that what the reporter knows of the route is old
            parent = entry(
                "parentRef", "x", {**condition("Accepted"), "lastTransitionTime": EARLIER}, controller=THEIRS
            )
            gateways.edit(keys["HTTPRoute"], {"status": {"parents": [parent]}}, "/status")
            for kind, key in keys.items():
                gateways.say(key, well(kind))
            with gateways.reporter():
                for kind, key in keys.items():
                    gateways.becomes(key, well(kind))
        finally:
            gateways.close()
        return asked(log)

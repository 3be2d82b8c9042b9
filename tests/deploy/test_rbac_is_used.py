"""What the manifests allow is what Dragoman asks for: an API server writes down each request, and if it was allowed.

So a permission too few fails here, and one too many as well.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from crds.definitions import definition
from crds.kinds import SERVED
from tests.deploy.reading import DEPLOY, Permission, permissions
from tests.support.apiserver import ApiServer
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_crds import install as install_gateway_api
from tests.support.objects import tls_secret
from watcher.kinds import KINDS

pytestmark = [pytest.mark.kubernetes, pytest.mark.system, pytest.mark.envoy]

ACCOUNT = "system:serviceaccount:dragoman:dragoman"
OURS = "/apis/getambassador.io/v3alpha1/namespaces"
OTHERS = [kind for kind in KINDS if kind.group == "getambassador.io" and kind.name not in {k.name for k in SERVED}]
BASE = [kind for kind in SERVED if kind.name in {k.name for k in KINDS}]
"""Those that are served also where Gateway API is not: of the others tests/deploy/test_rbac_of_gateway_api.py asks."""
MERGE = "application/merge-patch+json"
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [ACCOUNT, f"{ACCOUNT}-webhook"]}, {"level": "None"}],
}
NOT_SEEN = {
    # Asked only of an object whose status cannot be written: is it gone, or has its CRD no status?
    *(Permission("*", f"{kind.plural}.getambassador.io", "*", "get") for kind in BASE),
}
"""What no run here asks for, with the reason; the same in a namespace of its own."""


@contextmanager
def audited(folder: Path, *flags: str) -> Iterator[tuple[ApiServer, Path]]:
    """An API server that writes down what our accounts ask for, and the file that it writes to."""
    policy, log = folder / "policy.yaml", folder / "audit.log"
    policy.write_text(yaml.safe_dump(POLICY))
    more = (f"--audit-policy-file={policy}", f"--audit-log-path={log}", *flags)
    with ApiServer(flags=more) as api:
        yield api, log


def asked(log: Path) -> tuple[set[tuple[str, str, str, str]], set[str]]:
    """(namespace, resource, name, verb) of what was allowed, and what was forbidden, for people."""
    allowed, forbidden = set(), set()
    for line in log.read_text().splitlines():
        event = json.loads(line)
        about = event.get("objectRef")
        decision = event["annotations"].get("authorization.k8s.io/decision")
        if about is None:
            continue
        group = about.get("apiGroup", "")
        sub = about.get("subresource", "")
        resource = about["resource"] + (f".{group}" if group else "") + (f"/{sub}" if sub else "")
        if decision == "allow":
            allowed.add((about.get("namespace", ""), resource, about.get("name", ""), event["verb"]))
        else:
            forbidden.add(f"{event['verb']} {event['requestURI']}")
    return allowed, forbidden


def covers(permission: Permission, request: tuple[str, str, str, str]) -> bool:
    namespace, resource, name, verb = request
    return (
        permission.verb == verb
        and permission.resource == resource
        and permission.namespace in ("*", namespace)
        and permission.name in ("*", name)
    )


def objects(gateway: Gateway, namespace: str) -> list[dict[str, Any]]:
    """One of each kind, and more Hosts."""

    def one(kind: str, spec: Mapping[str, Any], name: str = "one") -> dict[str, Any]:
        metadata = {"name": name, "namespace": namespace}
        return {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": metadata, "spec": spec}

    everywhere = {"hostBinding": {"namespace": {"from": "ALL"}}, "securityModel": "XFP"}
    return [
        one("Listener", {"port": gateway.http_port, "protocol": "HTTP", **everywhere}),
        one("Host", {"hostname": "one.test", "requestPolicy": {"insecure": {"action": "Route"}}}),
        one("Host", {"hostname": "two.test", "tlsSecret": {"name": "dragoman-tls"}}, "two"),
        one("Host", {"hostname": "three.test", "tlsSecret": {"name": "fallback-self-signed-cert"}}, "three"),
        one("Mapping", {"hostname": "one.test", "prefix": "/one/", "service": "one:80"}),
        one("Module", {"config": {"server_name": "one"}}, "ambassador"),
        one("TCPMapping", {"port": gateway.https_port, "service": "one:80"}),
        one("TLSContext", {"min_tls_version": "v1.2"}),
        one("ConsulResolver", {"datacenter": "dc1"}),
        one("KubernetesEndpointResolver", {}),
        one("KubernetesServiceResolver", {}),
        one("AuthService", {"auth_service": "one:80", "failure_mode_allow": True}),
        one("RateLimitService", {"service": "one:80", "protocol_version": "v3"}),
        one("LogService", {"service": "one:80"}),
        one("TracingService", {"service": "one:80", "driver": "zipkin"}),
        *(one(kind.name, {}) for kind in OTHERS),
    ]


def install(api: ApiServer, rbac: Path) -> None:
    """What docs/install.md says, Emissary's CRDs of the kinds that we do not serve, and Gateway API's classes."""
    install_gateway_api(api, "standard", "GatewayClass")
    for path in ("crds.yaml", "namespace.yaml"):
        api.apply(DEPLOY / path)
    api.apply(rbac)
    for kind in OTHERS:
        made: dict[str, Any] = copy.deepcopy(definition(SERVED[0], []))
        made["metadata"]["name"] = f"{kind.plural}.getambassador.io"
        names = {
            "kind": kind.name,
            "listKind": f"{kind.name}List",
            "plural": kind.plural,
            "singular": kind.name.lower(),
        }
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": "v3alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
        made["spec"] |= {"names": names, "versions": [version]}
        api.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", made)
    for kind in (*SERVED, *OTHERS):
        path = f"/apis/getambassador.io/v3alpha1/{kind.plural}"
        wait_until(lambda path=path: api.request("GET", path)[0] == 200, 30, what=path)


def gateway_for(api: ApiServer, **environ: str) -> Gateway:
    """The whole system, as a pod of the manifests: with its account and nothing else."""
    return Gateway(
        listeners=False,
        environ={
            "DRAGOMAN_CONFIG_DIR": "",
            "KUBECONFIG": str(api.account_kubeconfig("dragoman", namespace="dragoman")),
            "AMBASSADOR_NAMESPACE": "dragoman",
            "POD_NAME": "one",
            **environ,
        },
    )


def declare(api: ApiServer, gateway: Gateway, namespace: str) -> None:
    """Objects of each kind."""
    pair = authority().sign("two.test")
    secret = json.loads(tls_secret("dragoman-tls", pair.certificate, pair.key).split("\n---\n")[0])
    api.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", {**secret, "metadata": {"name": "dragoman-tls"}})
    declare_ingress(api, namespace)
    for each in objects(gateway, namespace):
        api.ask("POST", f"{OURS}/{namespace}/{each['kind'].lower()}s", each)


def declare_ingress(api: ApiServer, namespace: str) -> None:
    """An Ingress, and the Service whose address its status is to say."""
    services = f"/api/v1/namespaces/{namespace}/services"
    metadata = {"name": "own", "labels": {"app.kubernetes.io/component": "ambassador-service"}}
    api.ask("POST", services, {"metadata": metadata, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}})
    addresses = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}}}
    api.ask("PATCH", f"{services}/own/status", addresses, content_type=MERGE)
    backend = {"service": {"name": "own", "port": {"number": 80}}}
    metadata = {"name": "one", "annotations": {"kubernetes.io/ingress.class": "ambassador"}}
    ingress = {"metadata": metadata, "spec": {"defaultBackend": backend}}
    api.ask("POST", f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses", ingress)


def live(api: ApiServer, namespace: str) -> None:
    """All that makes Dragoman write: statuses of each kind, problems, recoveries, the same problems again."""
    for kind in BASE:
        name = "ambassador" if kind.name == "Module" else "one"
        wait_until(lambda k=kind, n=name: status(api, namespace, k.plural, n), 60, what=f"a status of {kind.name}")
    ingress = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/one"
    wait_until(lambda: api.get(ingress)["status"]["loadBalancer"].get("ingress"), 60, what="the Ingress's address")
    for service, state in (("://", "Inactive"), ("one:80", "Running"), ("://", "Inactive"), ("one:80", "Running")):
        path = f"{OURS}/{namespace}/mappings/one"
        api.ask("PATCH", path, {"spec": {"service": service}}, content_type=MERGE)
        wait_until(lambda state=state: status(api, namespace, "mappings", "one").get("state") == state, 60, what=state)


def status(api: ApiServer, namespace: str, plural: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{OURS}/{namespace}/{plural}/{name}").get("status", {})
    return found


CASES = {
    "all namespaces": (DEPLOY / "rbac.yaml", {}),
    "one namespace": (DEPLOY / "single-namespace/rbac.yaml", {"AMBASSADOR_SINGLE_NAMESPACE": "true"}),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_missing_and_nothing_is_too_much(tmp_path: Path, case: str, gateway_api_release: Path) -> None:
    rbac, environ = CASES[case]
    allowed: set[tuple[str, str, str, str]] = set()
    forbidden: set[str] = set()
    # An API server that cannot begin a watch with all objects is listed first.
    for number, flags in enumerate(((), ("--feature-gates=WatchList=false",))):
        folder = tmp_path / str(number)
        folder.mkdir()
        with audited(folder, *flags) as (api, log):
            install(api, rbac)
            gateway = gateway_for(api, **environ)
            declare(api, gateway, "dragoman")
            with gateway:
                live(api, "dragoman")
            seen, refused = asked(log)
            allowed |= seen
            forbidden |= refused
    given = permissions(rbac)
    unused = {one for one in given if not any(covers(one, request) for request in allowed)}
    print(sorted(map(str, forbidden)))
    assert {str(one) for one in unused} == {str(one) for one in given & not_seen(rbac)}
    assert {one for one in forbidden if not expected(one, rbac)} == set()


def not_seen(rbac: Path) -> set[Permission]:
    where = "*" if rbac.parent == DEPLOY else "dragoman"
    return {Permission(where, one.resource, one.name, one.verb) for one in NOT_SEEN}


def expected(request: str, rbac: Path) -> bool:
    """In one namespace alone, one question is asked in vain: for all Secrets."""
    return rbac.parent != DEPLOY and "/secrets?" in request

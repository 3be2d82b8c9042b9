"""What both say of a spec: the API server, and the translator."""

from typing import Any

import orjson

from crds.kinds import SERVED, Served
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from translator.decode import Problem
from translator.emissary.objects import read_object

API = "/apis/getambassador.io/v3alpha1"
BY_NAME = {kind.name: kind for kind in SERVED}
GOOD: dict[str, dict[str, Any]] = {
    "BackendPolicy": {"targetRefs": [{"name": "a"}]},
    "ConsulResolver": {"datacenter": "dc1"},
    "Host": {},
    "KubernetesEndpointResolver": {},
    "KubernetesServiceResolver": {},
    "Listener": {
        "port": 8080,
        "protocol": "HTTP",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    },
    "Mapping": {"prefix": "/a/", "service": "a"},
    "Module": {"config": {}},
    "RoutePolicy": {"targetRefs": [{"kind": "Gateway", "name": "a"}]},
    "TCPMapping": {"port": 9000, "service": "a"},
    "TLSContext": {},
}
"""A spec of each kind with no more than it needs."""


def wait_until_served(api: ApiServer) -> None:
    for kind in SERVED:
        path = f"{API}/{kind.plural}"
        wait_until(lambda path=path: api.request("GET", path)[0] == 200, 30, what=f"{kind.name} served")


def object_of(name: str, spec: Any) -> dict[str, Any]:
    """A whole object."""
    return {"apiVersion": "getambassador.io/v3alpha1", "kind": name, "metadata": {"name": "tried"}, "spec": spec}


def refusal(api: ApiServer, name: str, spec: Any) -> str:
    """Why the API server refuses an object; empty when it takes it."""
    path = f"{API}/namespaces/default/{BY_NAME[name].plural}?dryRun=All"
    status, answer = api.request("POST", path, object_of(name, spec))
    if status == 201:
        return ""
    assert status == 422, answer
    return str(orjson.loads(answer)["message"])


def problems(kind: Served, spec: Any) -> tuple[Problem, ...]:
    """What the translator says of an object by itself."""
    body = orjson.dumps(object_of(kind.name, spec))
    read = read_object(kind.spec, f"getambassador.io/{kind.name}/default/tried", body, "default")
    assert read is not None
    return read.problems


def stopped(name: str, spec: Any) -> list[str]:
    """Why the translator stops an object; empty when it takes it."""
    return [f"{problem.path} {problem.message}" for problem in problems(BY_NAME[name], spec) if problem.stops]

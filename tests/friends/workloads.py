"""What people have before a friend comes: Services, pods of two versions, and requests that count them."""

import http
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support import plain
from tests.support.apiserver import ApiError, ApiServer
from tests.support.gateway_crds import GROUP

PORT = 8080
"""Where the pods of an application serve."""

MERGE = "application/merge-patch+json"


def template(app: str, version: str) -> dict[str, Any]:
    """A pod that answers with its version."""
    container = {
        "name": app,
        "image": f"shop:{version}",
        "ports": [{"containerPort": PORT}],
        "env": [{"name": "VERSION", "value": version}],
    }
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container]}}


def service(name: str, selector: Mapping[str, str], port: int = PORT) -> dict[str, Any]:
    """A Service on port 80."""
    spec = {"selector": dict(selector), "ports": [{"name": "http", "port": 80, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


class Namespace:
    """The objects of a namespace, each named by its path after it: `("apps/v1", "deployments", "shop")`."""

    def __init__(self, api: ApiServer, name: str) -> None:
        self.api, self.name = api, name

    def path(self, group: str, plural: str, name: str = "") -> str:
        root = f"/api/{group}" if group == "v1" else f"/apis/{group}"
        return f"{root}/namespaces/{self.name}/{plural}" + (f"/{name}" if name else "")

    def make(self, plural: str, made: Mapping[str, Any]) -> None:
        """Create an object."""
        self.api.ask("POST", self.path(made["apiVersion"], plural), made)

    def get(self, group: str, plural: str, name: str) -> Any:
        """An object; empty where it is not there."""
        try:
            return self.api.get(self.path(group, plural, name))
        except ApiError as error:
            if error.status == http.HTTPStatus.NOT_FOUND:
                return {}
            raise

    def patch(self, group: str, plural: str, name: str, change: Mapping[str, Any]) -> None:
        """Merge this into an object."""
        self.api.ask("PATCH", self.path(group, plural, name), change, content_type=MERGE)


def answers(port: int, host: str, count: int) -> Counter[str]:
    """Which versions answer so many requests; where none does, the status."""
    found: Counter[str] = Counter()
    with plain.Client(trust_env=False) as client:
        for _ in range(count):
            try:
                answer = client.get(f"http://127.0.0.1:{port}/", headers={"host": host})
            except httpx.TransportError:
                found["nobody listens"] += 1
                continue
            ok = answer.status_code == httpx.codes.OK
            found[str(answer.json()["upstream"]) if ok else str(answer.status_code)] += 1
    return found


def undefaulted(spec: Any) -> Any:
    """What a route says, without what the API server says where nothing was said."""
    defaults = {"group": (GROUP, ""), "kind": ("Gateway", "Service")}
    if isinstance(spec, dict):
        return {key: undefaulted(value) for key, value in spec.items() if value not in defaults.get(key, ())}
    return [undefaulted(each) for each in spec] if isinstance(spec, list) else spec

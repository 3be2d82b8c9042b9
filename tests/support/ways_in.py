"""Services that lead to a gateway, and a namespace's Ingresses, on a test's API server."""

from typing import Any

from tests.support.apiserver import ApiServer

MERGE = "application/merge-patch+json"
OURS = {"app.kubernetes.io/component": "ambassador-service"}
LOCAL = {"networking.knative.dev/visibility": "cluster-local"}


class WaysIn:
    """A namespace; `group` is that of its Ingresses, with the version."""

    def __init__(self, api: ApiServer, namespace: str, group: str = "networking.k8s.io/v1") -> None:
        self._api = api
        self._services = f"/api/v1/namespaces/{namespace}/services"
        self._ingresses = f"/apis/{group}/namespaces/{namespace}/ingresses"

    def service(self, name: str, labels: dict[str, str], selector: dict[str, str], *addresses: dict[str, Any]) -> None:
        """A Service with a load balancer that has these addresses."""
        spec = {"type": "LoadBalancer", "selector": selector, "ports": [{"port": 80}]}
        self._api.ask("POST", self._services, {"metadata": {"name": name, "labels": labels}, "spec": spec})
        self.addresses(name, *addresses)

    def addresses(self, name: str, *addresses: dict[str, Any]) -> None:
        """What the load balancer of a Service says of itself from now on."""
        status = {"status": {"loadBalancer": {"ingress": list(addresses)}}}
        self._api.ask("PATCH", f"{self._services}/{name}/status", status, content_type=MERGE)

    def backing(self, name: str, port: int) -> None:
        """A Service that is an upstream on this machine, at its own port."""
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
        self._api.ask("POST", self._services, {"metadata": {"name": name}, "spec": spec})

    def create(self, name: str, spec: dict[str, Any], **annotations: str) -> None:
        """An Ingress."""
        self._api.ask(
            "POST",
            self._ingresses,
            {
                "apiVersion": self._ingresses.removeprefix("/apis/").partition("/namespaces")[0],
                "kind": "Ingress",
                "metadata": {"name": name, "annotations": annotations},
                "spec": spec,
            },
        )

    def edit(self, name: str, **fields: Any) -> None:
        """Change an Ingress."""
        self._api.ask("PATCH", f"{self._ingresses}/{name}", fields, content_type=MERGE)

    def say(self, name: str, status: dict[str, Any]) -> None:
        """Write into the status of an Ingress, as somebody else."""
        self._api.ask("PATCH", f"{self._ingresses}/{name}/status", {"status": status}, content_type=MERGE)

    def get(self, name: str) -> dict[str, Any]:
        """An Ingress."""
        found: dict[str, Any] = self._api.get(f"{self._ingresses}/{name}")
        return found

    def status(self, name: str) -> dict[str, Any]:
        """The status of an Ingress."""
        found: dict[str, Any] = self.get(name).get("status") or {}
        return found

    def told(self, name: str) -> list[dict[str, Any]]:
        """The addresses that an Ingress says."""
        found: list[dict[str, Any]] = self.status(name).get("loadBalancer", {}).get("ingress") or []
        return found

    def version(self, name: str) -> str:
        """The resourceVersion of an Ingress, which changes with each write."""
        return str(self.get(name)["metadata"]["resourceVersion"])

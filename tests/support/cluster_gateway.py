"""The whole system on a Kubernetes API: as `Gateway`, but its objects are applied to an API server.

with ClusterGateway(api) as gateway:
    gateway.put("Mapping", "quote", {"hostname": "quote.test", "prefix": "/", "service": "127.0.0.1:8000"})
    gateway.wait_served("quote.test")
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crds.definitions import current, definition
from crds.kinds import SERVED
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.gateway import START_DEADLINE, Gateway

GROUP = "/apis/getambassador.io/v3alpha1"


def install_crds(api: ApiServer, *plurals: str) -> None:
    """The CRDs of the kinds that are served, or of these alone; usable when this returns."""
    wanted = [kind for kind in SERVED if not plurals or kind.plural in plurals]
    for kind in wanted:
        made = definition(kind, [current(kind)])
        api.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", made)
    for kind in wanted:
        path = f"{GROUP}/{kind.plural}"
        wait_until(lambda path=path: api.request("GET", path)[0] == 200, what=f"{kind.plural} served")


class ClusterGateway(Gateway):
    """A running system that watches one namespace of the API server, which is made for it."""

    def __init__(
        self,
        api: ApiServer,
        *,
        kubeconfig: Path | None = None,
        environ: Mapping[str, str] | None = None,
        patience: float = START_DEADLINE,
    ) -> None:
        self.api = api
        self.namespace = api.namespace()
        given = {
            "DRAGOMAN_CONFIG_DIR": "",
            "KUBECONFIG": str(kubeconfig or api.kubeconfig),
            "AMBASSADOR_NAMESPACE": self.namespace,
            "DRAGOMAN_NAMESPACES": self.namespace,
        }
        super().__init__(listeners=False, environ={**given, **(environ or {})}, patience=patience)
        for name, port in (("http", self.http_port), ("https", self.https_port)):
            listener = {"port": port, "protocol": name.upper(), "securityModel": "XFP"}
            self.put("Listener", name, listener | {"hostBinding": {"namespace": {"from": "ALL"}}})
        self.put("Host", "some", {"hostname": "some.test", "requestPolicy": {"insecure": {"action": "Route"}}})

    def path(self, kind: str, name: str = "") -> str:
        """Where objects of a kind of ours are."""
        return f"{GROUP}/namespaces/{self.namespace}/{kind.lower()}s" + (f"/{name}" if name else "")

    def put(self, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        """Create an object of ours, or give it this spec."""
        made = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        status = 429
        while status == 429:  # for a moment after the API server's own start
            status, _ = self.api.request("POST", self.path(kind), made)
        if status == 409:
            merge = "application/merge-patch+json"
            self.api.ask("PATCH", self.path(kind, name), {"spec": spec}, content_type=merge)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object of ours."""
        self.api.ask("DELETE", self.path(kind, name))

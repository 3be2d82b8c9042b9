"""What cert-manager does for a name, step by step, and what clients of that name see."""

import base64
import http
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from tests.friends.acme import Pebble
from tests.friends.conftest import Starts
from tests.friends.workloads import Namespace
from tests.support.child import Child
from tests.support.cluster_gateway import ClusterGateway
from tests.support.envoy import wait_until
from tests.support.friends import CHALLENGE
from tests.support.scoped import Scoped

PATIENCE = 180
CERTIFICATES = ("cert-manager.io/v1", "certificates")

_ACME = "acme.cert-manager.io/v1"
_STEPS = (
    CERTIFICATES,
    ("cert-manager.io/v1", "certificaterequests"),
    (_ACME, "orders"),
    (_ACME, "challenges"),
)
_SOLVERS = "?labelSelector=acme.cert-manager.io/http01-solver=true"


class Certified(Scoped):
    """A namespace with an issuer, cert-manager beside it, and what clients on the ports 80 and 443 see."""

    def __init__(self, name: str, gateway: ClusterGateway, pebble: Pebble, starts: Starts) -> None:
        self.name, self.gateway, self.pebble = name, gateway, pebble
        self.space = Namespace(gateway.api, gateway.namespace)
        self._starts = starts
        self._manager: Child | None = None
        self._steps: list[str] = []

    def start(self) -> None:
        """cert-manager, and an access log that tells who answers."""
        self.gateway.put("Module", "ambassador", {"config": {"envoy_log_type": "text"}})
        command = ["certmanager", "controller", self.space.api.kubeconfig, self.pebble.nameserver]
        self._manager = self._starts("certmanager", command)

    def close(self) -> None:
        """Leave nothing that the next one's cert-manager would go on with: it sees every namespace."""
        if self._manager is None or not self._manager.running:
            return  # what it keeps by its finalizers would never end
        api, path = self.space.api, f"/api/v1/namespaces/{self.space.name}"
        api.ask("DELETE", path)
        wait_until(lambda: api.request("GET", path)[0] == http.HTTPStatus.NOT_FOUND, 60, what=lambda: api.get(path))

    def issue_by(self, **solver: Any) -> None:
        """The issuer, with this solver; named as the namespace is."""
        trusted = base64.b64encode(self.pebble.authority.pair.certificate).decode()
        acme = {
            "server": self.pebble.directory,
            "caBundle": trusted,
            "privateKeySecretRef": {"name": self.space.name},
            "solvers": [{"http01": solver}],
        }
        issuer = {"apiVersion": CERTIFICATES[0], "kind": "ClusterIssuer", "metadata": {"name": self.space.name}}
        self.space.api.ask("POST", "/apis/cert-manager.io/v1/clusterissuers", {**issuer, "spec": {"acme": acme}})

    def want(self) -> None:
        """A Certificate for the name, in the Secret `pair`."""
        spec = {
            "secretName": "pair",
            "dnsNames": [self.name],
            "issuerRef": {"name": self.space.name, "kind": "ClusterIssuer"},
        }
        metadata = {"name": "pair"}
        made = {"apiVersion": CERTIFICATES[0], "kind": "Certificate", "metadata": metadata, "spec": spec}
        self.space.make("certificates", made)

    def solver(self, group: str, plural: str) -> Mapping[str, Any]:
        """What cert-manager makes for its challenge, while it is there."""

        def there() -> Any:
            found = self.space.api.get(self.space.path(group, plural) + _SOLVERS)["items"]
            return found[0] if found else None

        made: Mapping[str, Any] = wait_until(there, PATIENCE, what=self.said)
        return made

    def served(self) -> ssl.SSLContext:
        """Wait until the name has its certificate, of the authority itself."""
        wait_until(self._is_ready, PATIENCE, what=self.said)
        context = self.pebble.clients()
        wait_until(lambda: self.ask("https", context) == "red", 60, what=self.said)
        return context

    def ask(self, scheme: str, context: ssl.SSLContext | bool = True) -> str:
        """Who answers; where nobody does, the status."""
        extensions = {"sni_hostname": self.name}
        try:
            with httpx.Client(verify=context, trust_env=False) as client:
                answer = client.get(f"{scheme}://127.0.0.1/", headers={"host": self.name}, extensions=extensions)
        except httpx.TransportError as error:
            return repr(error)
        return str(answer.json()["upstream"]) if answer.status_code == httpx.codes.OK else str(answer.status_code)

    def renew(self) -> None:
        """Ask for another certificate by hand, and wait until it is in the Secret."""
        before = self.chain()
        issuing = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "by hand"}
        self.space.patch(*CERTIFICATES, "pair/status", {"status": {"conditions": [issuing]}})
        wait_until(lambda: self._is_ready() and self.chain() not in ("", before), PATIENCE, what=self.said)

    def chain(self) -> str:
        """What is in the Secret, as PEM."""
        found = self.space.get("v1", "secrets", "pair")
        return base64.b64decode(found.get("data", {}).get("tls.crt", "")).decode()

    def said(self) -> str:
        """How cert-manager got on, with its reasons, who answered the authority, and what that says."""
        if self._manager is not None:
            self._manager.check()
        self._look()
        asked = [line for line in self.gateway.log().splitlines() if CHALLENGE in line]
        return "\n".join(["", *self._steps, *asked, self.pebble.log()[-2000:]])

    def _is_ready(self) -> bool:
        """AssertionError when cert-manager has given up: it tries again in an hour."""
        self._look()
        items = self.space.api.get(self.space.path(*CERTIFICATES))["items"]
        found = [each for item in items for each in item.get("status", {}).get("conditions", ())]
        conditions = {each["type"]: (each["status"], each.get("reason")) for each in found}
        if conditions.get("Issuing") == ("False", "Failed"):
            raise AssertionError(self.said())
        return conditions.get("Ready", ("", None))[0] == "True"

    def _look(self) -> None:
        """Each state that a step is seen in: an Order's Challenges are gone when it has failed, with their reasons."""
        for step in _STEPS:
            for each in self.space.api.get(self.space.path(*step))["items"]:
                told = f"{step[1]} {each['metadata']['name']}: {_state(each.get('status', {}))}"
                if told not in self._steps:
                    self._steps.append(told)


def _state(status: Mapping[str, Any]) -> str:
    conditions = [
        f"{each['type']} {each['status']}, {each.get('reason', '')}: {each.get('message', '')}"
        for each in status.get("conditions", ())
    ]
    return "; ".join(filter(None, (status.get("state"), status.get("reason"), *conditions)))

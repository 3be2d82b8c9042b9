"""Three namespaces of a real cluster for the attacks of test_cluster_namespaces.py, and how its replicas are asked."""

import itertools
import json
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.e2e.cluster.gateway import NAMESPACE, Installed
from tests.support.certificates import unverified
from tests.support.envoy import wait_until
from tests.support.gateway_api import API, api_gateway, document, listener, namespace, route, rule, to

OWNER, VAULT, STRANGER = "leaks-owner", "leaks-vault", "leaks-stranger"
NAMESPACES = (OWNER, VAULT, STRANGER)
SERVING = (OWNER, VAULT)
CLASS = "dragoman-dedicated"
SETTLE = 120.0  # seconds, on a busy machine
OWN = {"namespaces": {"from": "Same"}}
FRIENDS = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"let-in": "yes"}}}}
MERGE = "application/merge-patch+json"


def upstream(where: str) -> str:
    """A Service `shop` that answers with its namespace's name."""
    labels = {"app": "shop"}
    container = {
        "name": "shop",
        "image": "localhost/standin:test",
        "imagePullPolicy": "Never",
        "args": ["serve", where],
    }
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = {"selector": {"matchLabels": labels}, "template": pod}
    return document("Deployment", "shop", deployment, where, api="apps/v1") + service_of_shop("shop", where)


def service_of_shop(name: str, where: str) -> str:
    """A Service that leads there."""
    spec = {"selector": {"app": "shop"}, "ports": [{"port": 80, "targetPort": 8080}]}
    return document("Service", name, spec, where, api="v1")


def web() -> str:
    """The owner's Gateway, and what the owner serves by it."""
    listeners = (
        listener("open", 80, hostname="*.open.test"),
        listener("pay", 80, hostname="pay.open.test", allowedRoutes=OWN),
        listener("own", 80, hostname="*.own.test", allowedRoutes=OWN),
        listener("friends", 80, hostname="*.friends.test", allowedRoutes=FRIENDS),
    )
    hostnames = ["pay.open.test", "shop.own.test"]
    return api_gateway("web", *listeners, namespace=OWNER, gatewayClassName=CLASS, allowedListeners=OWN) + route(
        "shop", "web", rule("/", to("shop")), hostnames=hostnames, namespace=OWNER
    )


@dataclass
class Estate:
    """The cluster, with the owner's Gateway in it."""

    installed: Installed
    replicas: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def begin(self) -> None:
        """Make the namespaces; the owner's Gateway is served when this returns."""
        cluster = self.installed.cluster
        cluster.apply("".join(namespace(each) for each in NAMESPACES) + "".join(map(upstream, SERVING)) + web())
        for each in SERVING:
            cluster.wait_rollout(each, "shop")
        self.replicas = list(self.installed.pods().values())
        self.becomes("shop.own.test", OWNER)

    def end(self) -> None:
        self.installed.cluster.kubectl("delete", "namespaces", *NAMESPACES, "--wait=false")

    def target(self, port: int, gateway: str = f"{OWNER}/web") -> int:
        """The port of each replica that a Gateway's own Service leads to; 0: none yet."""
        services = self.installed.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/services")["items"]
        for each in services:
            if each["metadata"].get("annotations", {}).get("getambassador.io/gateway") == gateway:
                return next((int(at["targetPort"]) for at in each["spec"]["ports"] if at["port"] == port), 0)
        return 0

    def answers(self, host: str, path: str = "/") -> set[str]:
        """Who answers at the replicas: the namespaces of upstreams, or statuses."""
        port = self.target(80)
        answers = [self.installed.cluster.fetch(each, path, host=host, port=port) for each in self.replicas]
        return {json.loads(body)["upstream"] if status == 200 else str(status) for status, body in answers}

    def becomes(self, host: str, who: str, path: str = "/") -> None:
        wait_until(
            lambda: self.answers(host, path) == {who}, SETTLE, what=lambda: f"{host}{path}: {self.answers(host, path)}"
        )

    def certificates(self, name: str, gateway: str) -> set[str]:
        """Whose certificates the replicas show to who asks for this name at port 443; empty where there is none."""
        port = self.target(443, gateway)
        return {self._certificate(each, port, name) for each in self.replicas}

    def _certificate(self, address: str, port: int, name: str) -> str:
        def shake_hands() -> str:
            try:
                with (
                    socket.create_connection((address, port), timeout=10) as plain,
                    unverified().wrap_socket(plain, server_hostname=name) as secured,
                ):
                    shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
            except (OSError, ssl.SSLError):
                return ""
            return str(shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

        return self.installed.cluster.inside(shake_hands)

    def shows(self, name: str, certificate: str, gateway: str) -> None:
        """Until all replicas show this certificate."""
        wait_until(
            lambda: self.certificates(name, gateway) == {certificate},
            SETTLE,
            what=lambda: f"{certificate} for {name}, not {self.certificates(name, gateway)}",
        )

    def attempt(self, attack: str, fence: str = "", becomes: str = "") -> None:
        """Write the stranger's objects, and return when all replicas have seen them.

        They have when what was written later, and is of the same kind, is served. For routes that is a route; `fence`
        is of another kind, and makes the answer for `fence-%.open.test` what it `becomes`.
        """
        number = str(next(self._numbers))
        host = f"fence-{number}.open.test"
        made = route(f"fence-{number}", "web", rule("/", to("shop")), hostnames=[host], namespace=OWNER)
        self.apply(attack + made)
        self.becomes(host, OWNER)
        if fence:
            self.apply(fence.replace("%", number))
            self.becomes(host, becomes)

    def apply(self, objects: str) -> None:
        self.installed.cluster.apply(objects)

    def delete(self, where: str, kind: str, *names: str) -> None:
        self.installed.cluster.kubectl("-n", where, "delete", kind, *names)

    def patch(self, path: str, body: Any) -> None:
        self.installed.cluster.ask("PATCH", path, body, content_type=MERGE)

    def told(self, path: str, reason: str) -> None:
        """Until the stranger is told this reason, about the object as it is now."""
        wait_until(lambda: reason in self._reasons(path), SETTLE, what=lambda: f"{reason}: {self._reasons(path)}")

    def _reasons(self, path: str) -> set[str]:
        found = self.installed.cluster.get(path)
        status = found.get("status", {})
        holders = [status, *status.get("parents", ()), *status.get("ancestors", ()), *status.get("listeners", ())]
        return {
            each["reason"]
            for holder in holders
            for each in holder.get("conditions", ())
            if each.get("observedGeneration") == found["metadata"]["generation"]
        }


def at(plural: str, name: str, where: str = STRANGER) -> str:
    """The path of an object of Gateway API."""
    return f"/apis/{API}/namespaces/{where}/{plural}/{name}"

"""The webhook's process as it runs, and the CRDs that lead to it, for tests with a real API server."""

import contextlib
import http.client
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from crds.older import definitions_with_older_versions
from tests.e2e.cluster.client import OwnApi
from tests.support.apiserver import ApiServer
from tests.support.certificates import unverified
from tests.support.envoy import wait_until
from tests.support.part import ROOT, Part
from tests.support.ports import unused_port

RIGHTS = [ROOT / "deploy" / name for name in ("namespace.yaml", "older-versions/rbac.yaml")]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


OLDER: dict[str, Any] = {
    "ambassador_id": "default",
    "prefix": "/a/",
    "service": "http://quote",
    "tls": True,
    "host": "a.test",
    "headers": {"x-any": True, "x-is": "v"},
    "add_request_headers": {"x-short": "v", "x-long": {"value": "w", "append": False}, "x-null": None},
    "remove_request_headers": "x-gone",
    "cors": {"origins": "https://a, https://b"},
    "nobody_knows": {"this": [1, None, {"x": 2.5}]},
}
"""A spec in v1 or v2, with what the versions spell differently."""


class Webhook(Part):
    """One replica, with the rights that the manifests give. A context manager.

    `url` is what the API server reaches it by; a replica that is `called_at` another port is not reached.
    """

    def __init__(self, api: ApiServer, *, called_at: int | None = None) -> None:
        self.api = api
        self.namespace = "dragoman"
        for path in RIGHTS:
            api.apply(path)
        self.port = unused_port()
        self.url = f"https://127.0.0.1:{called_at or self.port}/convert"
        self.folder = Path(tempfile.mkdtemp(prefix="dm-webhook-"))
        settings = {
            "KUBECONFIG": str(api.account_kubeconfig("dragoman-webhook", namespace=self.namespace)),
            "AMBASSADOR_NAMESPACE": self.namespace,
            "DRAGOMAN_CONFIG_DIR": "",
            "DRAGOMAN_RUN_DIR": str(self.folder),
            "DRAGOMAN_WEBHOOK_PORT": str(self.port),
            "DRAGOMAN_WEBHOOK_URL": self.url,
            "POD_NAME": f"replica-{self.port}",
        }
        super().__init__("webhook", self.folder / "webhook.log", settings)

    def close(self) -> None:
        """kill -9, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def is_ready(self) -> bool:
        """Whether the kubelet would let API servers ask it."""
        with contextlib.suppress(OSError):
            return self.post("/readyz", b"")[0] == 200
        return False

    def certificate(self) -> bytes | None:
        """What it shows, whoever signed it."""
        context = unverified()
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=5))
            return stack.enter_context(context.wrap_socket(plain)).getpeercert(binary_form=True)
        return None

    def wait_trusted(self) -> None:
        """Until the API server converts by it."""
        wait_until(self.converts, 60, what=f"conversions; the log:\n{self.log()}")

    def converts(self) -> bool:
        """Whether all CRDs trust what the Secret says, and the API server knows it."""
        made = secret(self)
        if made is None or any(trust != made["data"]["ca.crt"] for trust in trusts(self.api).values()):
            return False
        paths = [objects("mappings", version, "default") for version in ("v1", "v2", "v3alpha1")]
        return all(self.api.request("GET", path)[0] == 200 for path in paths)

    def post(self, path: str, body: Any) -> tuple[int, bytes]:
        """A request as the API server makes it, without a look at the certificate."""
        context = unverified()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        try:
            data = body if isinstance(body, bytes) else orjson.dumps(body)
            connection.request("POST" if path == "/convert" else "GET", path, data)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def objects(plural: str, version: str, namespace: str, name: str = "") -> str:
    path = f"/apis/getambassador.io/{version}/namespaces/{namespace}/{plural}"
    return f"{path}/{name}" if name else path


def install(api: ApiServer, url: str | None) -> None:
    """The CRDs with older versions, converted by a URL; None: not converted."""
    for definition in definitions_with_older_versions():
        conversion = definition["spec"].get("conversion")
        if conversion:
            definition["spec"]["conversion"] = {"strategy": "None"}
            if url:
                conversion["webhook"]["clientConfig"] = {"url": url}
                definition["spec"]["conversion"] = conversion
            unconvert(api, definition["metadata"]["name"])
        api.apply(orjson.dumps(definition).decode())
    wait_until(lambda: api.request("GET", objects("mappings", "v3alpha1", "default"))[0] == 200, 30, what="the kinds")


def unconvert(api: ApiServer, name: str) -> None:
    """Take the conversion out of a CRD, with the caBundle, which is not ours to leave out of what is applied."""
    patch = {"spec": {"conversion": {"strategy": "None", "webhook": None}}}
    api.request("PATCH", f"{DEFINITIONS}/{name}", patch, content_type="application/merge-patch+json")


def remove(api: ApiServer) -> None:
    for definition in definitions_with_older_versions():
        api.request("DELETE", f"{DEFINITIONS}/{definition['metadata']['name']}")


def secret(webhook: Webhook) -> dict[str, Any] | None:
    status, body = webhook.api.request("GET", f"/api/v1/namespaces/{webhook.namespace}/secrets/dragoman-webhook")
    return orjson.loads(body) if status == 200 else None


def trusts(api: ApiServer) -> dict[str, str]:
    """The caBundle of each CRD that is converted."""
    found = {}
    for item in api.get(DEFINITIONS)["items"]:
        conversion = item["spec"].get("conversion", {})
        if conversion.get("strategy") == "Webhook":
            found[item["metadata"]["name"]] = conversion["webhook"]["clientConfig"].get("caBundle", "")
    return found


@contextlib.contextmanager
def reading(api: OwnApi, path: str) -> Iterator[list[str]]:
    """Read a path all the time from another thread; the failures.

    The API server lets clients wait while it makes the storage of a changed CRD anew (429, or 503 for what was under
    way), and every client asks again.
    """
    failures: list[str] = []
    over = threading.Event()
    count = 0

    def read() -> None:
        nonlocal count
        while not over.is_set():
            status, body = api.request("GET", path)
            count += 1
            waits = status == 429 or (status == 503 and b"shutting down" in body)
            if status != 200 and not waits:
                failures.append(f"{status}: {body.decode(errors='replace')}")

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield failures
    finally:
        over.set()
        thread.join(30)
    print(f"{count} times {path}, {len(failures)} failures")
    assert count > 0


def manifest(version: str, name: str, spec: dict[str, Any], namespace: str = "default", kind: str = "Mapping") -> str:
    """A Mapping, or an object of another kind, in a version."""
    metadata = {"name": name, "namespace": namespace}
    return json.dumps({"apiVersion": f"getambassador.io/{version}", "kind": kind, "metadata": metadata, "spec": spec})

"""The way from CRDs that store v2, as docs/older-versions.md tells it: its commands are run as they are written."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from crds.older import definitions_with_older_versions
from tests.e2e.cluster.binaries import ensure
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.webhook.running_webhook import DEFINITIONS, ROOT, Webhook, install, objects
from tests.webhook.test_webhook_apiserver import OLDER, manifest

pytestmark = pytest.mark.kubernetes

PAGE = (ROOT / "docs/older-versions.md").read_text()


def commands(heading: str, containing: str) -> str:
    """The first block of commands under a heading that contains this."""
    section = PAGE.partition(heading)[2]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return next(block for block in blocks if containing in block)


def run(api: ApiServer, text: str) -> str:
    folder = Path(ensure(["kubectl"])["kubectl"]).parent
    environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "KUBECONFIG": str(api.kubeconfig)}
    done = subprocess.run(["bash", "-c", text], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def as_emissary(definition: dict[str, Any]) -> dict[str, Any]:
    """What stores v2, where there is a v2; not converted, so that the test needs no other webhook."""
    definition["spec"].pop("conversion", None)
    versions = definition["spec"]["versions"]
    has_v2 = any(version["name"] == "v2" for version in versions)
    for version in versions:
        version["storage"] = version["name"] == ("v2" if has_v2 else "v3alpha1")
    return definition


def services(api: ApiServer, namespace: str) -> list[str]:
    """Of the Mappings as they are read in v3alpha1; a changed CRD lets readers wait (429)."""
    path = objects("mappings", "v3alpha1", namespace)
    wait_until(lambda: api.request("GET", path)[0] == 200, 30, what="the Mappings")
    return [item["spec"]["service"] for item in api.get(path)["items"]]


def test_from_crds_that_store_v2_to_v3alpha1_alone(own_apiserver: ApiServer) -> None:
    api = own_apiserver
    for definition in definitions_with_older_versions():
        api.apply(orjson.dumps(as_emissary(definition)).decode())
    namespace = api.namespace()
    wait_until(lambda: api.request("GET", objects("mappings", "v2", namespace))[0] == 200, 30, what="the kinds")
    for number in range(5):
        api.apply(manifest("v2", f"m{number}", {**OLDER, "add_request_headers": {"x": "v"}}, namespace))
    host = {"hostname": "a.test", "selector": {"matchLabels": {"a": "b"}}}
    api.apply(manifest("v2", "h", host, namespace, "Host"))
    crd = f"{DEFINITIONS}/mappings.getambassador.io"
    assert api.get(crd)["status"]["storedVersions"] == ["v2"]

    with Webhook(api) as webhook:
        install(api, webhook.url)
        webhook.wait_trusted()
        assert services(api, namespace) == ["https://quote"] * 5
        assert api.get(objects("hosts", "v3alpha1", namespace, "h"))["spec"]["mappingSelector"] == host["selector"]
        assert api.get(crd)["status"]["storedVersions"] == ["v2", "v3alpha1"]

        said = run(api, commands("## From Emissary", "kubectl replace"))
        assert api.get(crd)["status"]["storedVersions"] == ["v3alpha1"], said
        assert api.get(objects("mappings", "v2", namespace, "m1"))["spec"]["tls"] is True

        said = run(api, commands("### Off again", "storedVersions"))
        wait_until(lambda: not webhook.is_ready(), 40, what=f"it off; the log:\n{webhook.log()}\n{said}")

    versions = [version["name"] for version in api.get(crd)["spec"]["versions"]]
    assert versions == ["v3alpha1"], said
    assert services(api, namespace) == ["https://quote"] * 5
    assert api.request("GET", "/api/v1/namespaces/dragoman/secrets/dragoman-webhook")[0] == 404
    assert api.request("GET", f"{DEFINITIONS}/listeners.getambassador.io")[0] == 200


def test_a_kind_that_is_not_served_is_converted_when_its_crd_asks_for_us(own_apiserver: ApiServer) -> None:
    """The command of the page, with a URL for the Service, which nobody reaches here."""
    api = own_apiserver
    with Webhook(api) as webhook:
        plural = "ratelimitservices"
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        names = {"kind": "RateLimitService", "plural": plural, "singular": "ratelimitservice"}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.getambassador.io"},
            "spec": {
                "group": "getambassador.io",
                "scope": "Namespaced",
                "names": names,
                "versions": [
                    {"name": name, "served": True, "storage": name == "v2", "schema": {"openAPIV3Schema": anything}}
                    for name in ("v3alpha1", "v2")
                ],
            },
        }
        api.ask("POST", DEFINITIONS, definition)
        text = commands("## From Emissary", "ratelimitservices")
        service = re.search(r'"url":null,"service":\{.*?\}', text, re.DOTALL)
        assert service is not None
        run(api, text.replace(service[0], f'"url":"{webhook.url}"'))
        namespace = api.namespace()
        spec = {"service": "limits", "tls": True, "v3GRPC": {"use_resource_exhausted_code": True}}
        text = manifest("v2", "r", spec, namespace, "RateLimitService")
        wait_until(
            lambda: api.request("POST", objects(plural, "v2", namespace), orjson.loads(text))[0] in (201, 409),
            30,
            what="the kind",
        )
        path = objects(plural, "v3alpha1", namespace, "r")
        wait_until(lambda: api.request("GET", path)[0] == 200, 60, what=f"the conversion; the log:\n{webhook.log()}")
        current = api.get(path)["spec"]
        assert current["grpc"] == {"use_resource_exhausted_code": True}
        assert current["service"] == "https://limits"
        assert webhook.end() == 0

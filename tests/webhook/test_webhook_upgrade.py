"""The way from CRDs that store v2, an upgrade, the end, as the pages tell them: their commands are run as written."""

import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import orjson
import pytest

from conversion import GROUP
from crds.older import definitions_with_older_versions
from tests.e2e.cluster.binaries import ensure
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.webhook.running_webhook import DEFINITIONS, OLDER, ROOT, Webhook, install, manifest, objects, trusts

pytestmark = pytest.mark.kubernetes

OLDER_VERSIONS = (ROOT / "docs/older-versions.md").read_text()
INSTALL = (ROOT / "docs/install.md").read_text()
POLICIES = "/apis/admissionregistration.k8s.io/v1"
NAMESPACES = "/api/v1/namespaces"


def blocks(heading: str, page: str = OLDER_VERSIONS) -> list[str]:
    """The blocks of commands under a heading."""
    section = re.split(r"\n##", page.partition(heading)[2])[0]
    return [textwrap.dedent(block) for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]


def commands(heading: str, containing: str) -> str:
    """The first of these that contains this."""
    return next(block for block in blocks(heading) if containing in block)


def run(api: ApiServer, text: str, folder: Path = ROOT) -> tuple[int, str]:
    """What a person sees who runs this in a checkout: the exit code, and all that is said."""
    programs = Path(ensure(["kubectl"])["kubectl"]).parent
    path = f"{programs}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "KUBECONFIG": str(api.kubeconfig), "HOME": str(api.folder)}
    done = subprocess.run(["bash", "-c", text], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


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

        code, said = run(api, commands("### Off again", "storedVersions"))
        assert code != 0, "nothing is turned off while something may be stored as v2"
        assert api.get(crd)["spec"]["conversion"]["strategy"] == "Webhook"
        others_crd = f"{DEFINITIONS}/devportals.getambassador.io"
        api.ask("POST", DEFINITIONS, devportals(webhook.url))

        moving = commands("## From Emissary", "kubectl replace")
        in_the_way = objects("mappings", "v3alpha1", namespace, "m1")
        refuse(api, namespace)
        code, said = run(api, moving)
        assert code != 0, said
        assert api.get(crd)["status"]["storedVersions"] == ["v2", "v3alpha1"], "what is not written may still be v2"
        allow(api)
        code, said = run(api, moving)
        assert code == 0, said
        assert api.get(crd)["status"]["storedVersions"] == ["v3alpha1"], said
        assert api.get(objects("mappings", "v2", namespace, "m1"))["spec"]["tls"] is True
        assert api.get(in_the_way)["spec"]["hostname"] == "a.test"

        off, asking, gone = blocks("### Off again")
        code, said = run(api, off)
        assert code == 0, said
        other = api.get(others_crd)
        assert other["spec"]["conversion"]["strategy"] == "Webhook", "it stores v2, and must be converted"
        assert other["status"]["storedVersions"] == ["v2"]
        code, said = run(api, asking)
        assert code == 0, said
        assert [line.split() for line in said.splitlines() if webhook.url in line] == [
            [f"devportals.{GROUP}", "<none>", webhook.url]
        ]
        api.ask("DELETE", others_crd)
        wait_until(lambda: not webhook.is_ready(), 40, what=f"it off; the log:\n{webhook.log()}\n{said}")
        api.apply(ROOT / "deploy/older-versions/workload.yaml")
        code, said = run(api, gone)
        assert code == 0, said

    versions = [version["name"] for version in api.get(crd)["spec"]["versions"]]
    assert versions == ["v3alpha1"], said
    assert services(api, namespace) == ["https://quote"] * 5
    assert api.request("GET", "/api/v1/namespaces/dragoman/secrets/dragoman-webhook")[0] == 404
    assert api.request("GET", f"{DEFINITIONS}/listeners.getambassador.io")[0] == 200


def devportals(url: str) -> dict[str, Any]:
    """A CRD of Emissary's other kinds, which stores v2 and asks us."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"kind": "DevPortal", "plural": "devportals", "singular": "devportal"}
    versions = [
        {"name": name, "served": True, "storage": name == "v2", "schema": {"openAPIV3Schema": anything}}
        for name in ("v3alpha1", "v2")
    ]
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": {"url": url}}
    conversion = {"strategy": "Webhook", "webhook": webhook}
    spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": versions, "conversion": conversion}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"devportals.{GROUP}"},
        "spec": spec,
    }


def refuse(api: ApiServer, namespace: str) -> None:
    """Let the API server refuse updates of one Mapping, as a policy of somebody's might."""
    rule = {"apiGroups": [GROUP], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["mappings"]}
    validations = [{"expression": "object.metadata.name != 'm1'", "message": "m1 stays as it is"}]
    spec = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, "validations": validations}
    api.ask("POST", f"{POLICIES}/validatingadmissionpolicies", {"metadata": {"name": "refuse"}, "spec": spec})
    binding = {"policyName": "refuse", "validationActions": ["Deny"]}
    api.ask("POST", f"{POLICIES}/validatingadmissionpolicybindings", {"metadata": {"name": "refuse"}, "spec": binding})
    path = objects("mappings", "v3alpha1", namespace, "m1")
    wait_until(lambda: refuses(api, path), 30, what="the refusal in force")


def refuses(api: ApiServer, path: str) -> bool:
    patch = {"metadata": {"labels": {"a": "b"}}}
    return api.request("PATCH", f"{path}?dryRun=All", patch, content_type="application/merge-patch+json")[0] == 422


def allow(api: ApiServer) -> None:
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        api.ask("DELETE", f"{POLICIES}/{kind}/refuse")
    path = "/apis/getambassador.io/v3alpha1/mappings"
    name = next(item["metadata"] for item in api.get(path)["items"] if item["metadata"]["name"] == "m1")
    wait_until(
        lambda: not refuses(api, objects("mappings", "v3alpha1", name["namespace"], "m1")), 30, what="no refusal"
    )


def test_an_upgrade_and_the_end_as_the_page_tells_them(tmp_path: Path) -> None:
    """The manifests as they are, but for a URL in place of the Service, which nobody reaches here."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    with ApiServer(controllers=True) as api, Webhook(api) as webhook:
        crds = tmp_path / "deploy/older-versions/crds.yaml"
        text, count = re.subn(
            r"(?<=clientConfig:\n        )service:\n(?: {10}.*\n){4}", f"url: {webhook.url}\n", crds.read_text()
        )
        assert count == sum("conversion" in each["spec"] for each in definitions_with_older_versions())
        crds.write_text(text)
        code, said = run(api, "kubectl apply -f deploy/", tmp_path)
        assert code == 0, said
        install_older, rollout = commands("## In a cluster", "deploy/older-versions/").splitlines()
        assert "rollout status" in rollout, "of which nothing comes where there are no nodes"
        code, said = run(api, install_older, tmp_path)
        assert code == 0, said
        webhook.wait_trusted()
        namespace = api.namespace()
        api.apply(manifest("v2", "a", OLDER, namespace))
        trusted = trusts(api)

        (upgrade,) = [block for block in blocks("### Upgrade", INSTALL) if "older-versions" in block]
        code, said = run(api, upgrade, tmp_path)
        assert code == 0, said
        assert trusts(api) == trusted
        webhook.wait_trusted()
        assert api.get(objects("mappings", "v2", namespace, "a"))["spec"] == OLDER

        off, asking, gone = blocks("### Off again")
        (remove,) = blocks("### Remove it", INSTALL)
        code, said = run(api, f"set -e\n{off}\n{asking}\n{gone}\n{remove}", tmp_path)
        assert code == 0, said
        webhook.kill()
        assert trusts(api) == {}
        assert services(api, namespace) == ["https://quote"]
        wait_until(lambda: api.request("GET", f"{NAMESPACES}/dragoman")[0] == 404, 60, what="the namespace gone")
        api.ask("DELETE", f"{NAMESPACES}/{namespace}")
        wait_until(lambda: api.request("GET", f"{NAMESPACES}/{namespace}")[0] == 404, 60, what="a namespace gone")


def test_a_kind_that_is_not_served_is_converted_when_its_crd_asks_for_us(own_apiserver: ApiServer) -> None:
    """The command of the page, with a URL for the Service, which nobody reaches here."""
    api = own_apiserver
    with Webhook(api) as webhook:
        plural = "devportals"
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        names = {"kind": "DevPortal", "plural": plural, "singular": "devportal"}
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
        text = commands("## From Emissary", "served=")
        service = re.search(r'"url":null,"service":\{.*?\}', text, re.DOTALL)
        assert service is not None
        run(api, text.replace(service[0], f'"url":"{webhook.url}"'))
        namespace = api.namespace()
        text = manifest("v2", "r", {"ambassador_id": "ours", "default": True}, namespace, "DevPortal")
        wait_until(
            lambda: api.request("POST", objects(plural, "v2", namespace), orjson.loads(text))[0] in (201, 409),
            30,
            what="the kind",
        )
        path = objects(plural, "v3alpha1", namespace, "r")
        wait_until(lambda: api.request("GET", path)[0] == 200, 60, what=f"the conversion; the log:\n{webhook.log()}")
        assert api.get(path)["spec"] == {"ambassador_id": ["ours"], "default": True}
        assert webhook.end() == 0

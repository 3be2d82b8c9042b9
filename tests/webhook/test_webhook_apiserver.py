"""Older versions on a real API server: written in one, read in the others, while certificates come and go."""

import asyncio
import base64
import contextlib
import datetime as dt
import json
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from conversion import ANNOTATION
from kubeapi.connection import Connection
from process.settings import Settings
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.webhook.running_webhook import (
    DEFINITIONS,
    Webhook,
    install,
    objects,
    reading,
    remove,
    secret,
    trusts,
    unconvert,
    unused_port,
)
from webhook.authority import SERVING_LIFE, Material, made, names_of, new_authority, new_serving
from webhook.cluster import Cluster
from webhook.decision import Ours, Patch, Secret

pytestmark = pytest.mark.kubernetes

MAPPING = f"{DEFINITIONS}/mappings.getambassador.io"
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


def manifest(version: str, name: str, spec: dict[str, Any], namespace: str = "default", kind: str = "Mapping") -> str:
    metadata = {"name": name, "namespace": namespace}
    return json.dumps({"apiVersion": f"getambassador.io/{version}", "kind": kind, "metadata": metadata, "spec": spec})


@pytest.fixture(scope="module")
def webhook(own_apiserver: ApiServer) -> Iterator[Webhook]:
    with Webhook(own_apiserver) as webhook:
        install(own_apiserver, webhook.url)
        webhook.wait_trusted()
        yield webhook
    remove(own_apiserver)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_written_in_an_older_version_and_read_in_all(webhook: Webhook, version: str) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    created = api.ask(
        "POST", objects("mappings", version, namespace), json.loads(manifest(version, "a", OLDER, namespace))
    )
    assert created["spec"] == OLDER
    current = api.get(objects("mappings", "v3alpha1", namespace, "a"))
    assert current["spec"]["hostname"] == "a.test"
    assert current["spec"]["service"] == "https://quote"
    assert current["spec"]["ambassador_id"] == ["default"]
    assert current["spec"]["regex_headers"] == {"x-any": ".*"}
    assert current["spec"]["add_request_headers"]["x-short"] == {"value": "v", "v2Representation": "string"}
    for older in ("v1", "v2"):
        back = api.get(objects("mappings", older, namespace, "a"))
        assert back["spec"] == OLDER
        assert ANNOTATION not in back["metadata"].get("annotations", {})
    listed = api.get(objects("mappings", version, namespace))
    assert [item["spec"] for item in listed["items"]] == [OLDER]


def test_an_edit_in_the_current_version_reaches_the_older_one(webhook: Webhook) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    api.ask("POST", objects("mappings", "v2", namespace), json.loads(manifest("v2", "a", OLDER, namespace)))
    patch = {"spec": {"prefix": "/b/", "add_request_headers": {"x-new": {"value": "n"}}}}
    path = objects("mappings", "v3alpha1", namespace, "a")
    api.ask("PATCH", path, patch, content_type="application/merge-patch+json")
    expected = {
        **OLDER,
        "prefix": "/b/",
        "add_request_headers": {**OLDER["add_request_headers"], "x-new": {"value": "n"}},
    }
    assert api.get(objects("mappings", "v2", namespace, "a"))["spec"] == expected


def test_written_in_the_current_version_and_edited_in_an_older_one(webhook: Webhook) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    spec = {
        "hostname": "*",
        "prefix": "/a/",
        "service": "quote",
        "labels": {"d": [{"g": [{"generic_key": {"value": "v"}}]}]},
    }
    api.ask("POST", objects("mappings", "v3alpha1", namespace), json.loads(manifest("v3alpha1", "a", spec, namespace)))
    path = objects("mappings", "v1", namespace, "a")
    older = api.get(path)
    assert older["spec"]["ambassador_id"] == ["--apiVersion-v3alpha1-only--default"]
    assert older["spec"]["labels"] == {"d": [{"g": [{"generic_key": "v"}]}]}
    api.ask("PUT", path, {**older, "spec": {**older["spec"], "prefix": "/c/"}})
    current = api.get(objects("mappings", "v3alpha1", namespace, "a"))
    assert current["spec"] == {**spec, "prefix": "/c/", "ambassador_id": ["default"]} or current["spec"] == {
        **spec,
        "prefix": "/c/",
    }
    assert ANNOTATION not in current["metadata"].get("annotations", {})


@pytest.mark.parametrize("version", ["v1", "v2", "v3alpha1"])
@pytest.mark.parametrize("way", ["client", "server"])
def test_kubectl_applies_each_version_and_sees_no_difference_the_second_time(
    webhook: Webhook, version: str, way: str
) -> None:
    namespace = webhook.api.namespace()
    spec: dict[str, Any] = {"hostname": "a.test", "prefix": "/", "service": "q"}
    if version != "v3alpha1":
        spec = {**OLDER, "add_request_headers": {"x-short": "v"}}  # to kubectl, null means that it is to be taken away
    text = manifest(version, "a", spec, namespace)
    apply = ["apply", "-f", "-", *(["--server-side"] if way == "server" else [])]
    webhook.api.kubectl(*apply, stdin=text)
    resource = objects("mappings", version, namespace, "a")
    before = webhook.api.get(resource)["metadata"]
    said = webhook.api.kubectl(*apply, stdin=text)
    after = webhook.api.get(resource)["metadata"]
    assert after["generation"] == before["generation"], said
    assert webhook.api.get(resource)["spec"] == spec


def test_a_host_of_v2_and_a_tlscontext_of_v1(webhook: Webhook) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    host = {"hostname": "a.test", "selector": {"matchLabels": {"a": "b"}}, "tls": {"v3CRLSecret": "s"}}
    api.apply(manifest("v2", "a", host, namespace, "Host"))
    api.apply(manifest("v1", "a", {"hosts": ["a.test"], "v3CRLSecret": "s"}, namespace, "TLSContext"))
    current = api.get(objects("hosts", "v3alpha1", namespace, "a"))["spec"]
    assert current["mappingSelector"] == {"matchLabels": {"a": "b"}}
    assert current["tls"] == {"crl_secret": "s"}
    assert api.get(objects("hosts", "v2", namespace, "a"))["spec"] == host
    assert api.get(objects("tlscontexts", "v3alpha1", namespace, "a"))["spec"]["crl_secret"] == "s"


def test_kubectl_shows_v2_unless_asked_for_another_and_its_columns_are_filled(webhook: Webhook) -> None:
    namespace = webhook.api.namespace()
    webhook.api.apply(manifest("v2", "a", OLDER, namespace))
    for asked in ("mappings", "mappings.v1.getambassador.io", "mappings.v3alpha1.getambassador.io"):
        heads, row = webhook.api.kubectl("-n", namespace, "get", asked).splitlines()
        assert heads.startswith("NAME   SOURCE HOST   SOURCE PREFIX   DEST SERVICE")
        assert row.split()[:3] == ["a", "a.test", "/a/"], asked
    assert "apiVersion: getambassador.io/v2" in webhook.api.kubectl("-n", namespace, "get", "mappings", "-o", "yaml")


@pytest.mark.parametrize("levels", [990, 1100, 9900])
def test_an_object_of_many_levels_does_not_fail_the_others(webhook: Webhook, levels: int) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    api.apply(manifest("v2", "a", OLDER, namespace))
    text = manifest("v3alpha1", "deep", {"prefix": "/", "service": "q", "nobody_knows": "DEEP"}, namespace)
    with recursion(20_000):
        deep = json.loads(text.replace('"DEEP"', '{"a":' * levels + "1" + "}" * levels))
        assert api.request("POST", objects("mappings", "v3alpha1", namespace), deep)[0] == 201
    for version in ("v1", "v2", "v3alpha1"):
        status, body = api.request("GET", objects("mappings", version, namespace))
        assert status == 200, body
        assert body.count(b'{"a":') == levels
    assert api.get(objects("mappings", "v2", namespace, "a"))["spec"] == OLDER


def test_an_object_with_all_the_annotations_that_may_be_does_not_fail_the_others(webhook: Webhook) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    api.apply(manifest("v2", "a", OLDER, namespace))
    full = json.loads(manifest("v3alpha1", "full", {"prefix": "/", "service": "q", "labels": {}}, namespace))
    full["metadata"]["annotations"] = {"a": "x" * (256 * 1024 - 1)}
    full["spec"] |= {"hostname": "b.test", "host": "c.test"}
    api.ask("POST", objects("mappings", "v3alpha1", namespace), full)
    for version in ("v1", "v2", "v3alpha1"):
        listed = api.get(objects("mappings", version, namespace))["items"]
        assert [item["metadata"]["name"] for item in listed] == ["a", "full"]
    assert listed[1]["spec"] == full["spec"], "what is stored is as it was"


def test_a_status_written_in_the_current_version_is_seen_in_an_older_one(webhook: Webhook) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    api.apply(manifest("v2", "a", {"prefix": "/", "service": "q"}, namespace))
    path = objects("mappings", "v3alpha1", namespace, "a")
    api.ask("PATCH", f"{path}/status", {"status": {"state": "Running"}}, content_type="application/merge-patch+json")
    older = api.get(objects("mappings", "v2", namespace, "a"))
    assert older["status"] == {"state": "Running"}
    assert older["spec"] == {"prefix": "/", "service": "q"}


def test_killed_it_is_missed_and_back_it_serves_with_the_same_certificate(webhook: Webhook) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    api.apply(manifest("v2", "a", OLDER, namespace))
    before, stored = webhook.certificate(), secret(webhook)
    webhook.kill()
    path = objects("mappings", "v2", namespace, "a")
    assert api.request("GET", path)[0] == 500
    assert api.request("GET", objects("mappings", "v3alpha1", namespace, "a"))[0] == 200, "what is stored needs nobody"
    webhook.start()
    wait_until(lambda: api.request("GET", path)[0] == 200, 30, what=f"conversions again; the log:\n{webhook.log()}")
    assert api.get(path)["spec"] == OLDER
    assert webhook.certificate() == before
    assert secret(webhook) == stored


def test_a_crd_that_somebody_edits_is_healed(webhook: Webhook) -> None:
    api = webhook.api
    good = trusted(api)
    wrong = {"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": other_authority()}}}}}
    api.ask("PATCH", MAPPING, wrong, content_type="application/merge-patch+json")
    wait_until(lambda: trusted(api) == good, 30, what=f"the CRD healed; the log:\n{webhook.log()}")
    webhook.wait_trusted()


def test_a_deleted_secret_is_made_anew_and_no_read_fails(webhook: Webhook) -> None:
    """The change of all certificates, under load: an authority is trusted everywhere before anybody serves with it."""
    api, namespace = webhook.api, webhook.api.namespace()
    api.apply(manifest("v2", "a", OLDER, namespace))
    wait_until(lambda: leads(webhook), 60, what="the lease")
    before, stored = webhook.certificate(), secret(webhook)
    assert stored is not None
    with reading(api, objects("mappings", "v2", namespace, "a")) as failures:
        api.ask("DELETE", f"/api/v1/namespaces/{webhook.namespace}/secrets/dragoman-webhook")
        wait_until(lambda: webhook.certificate() not in (before, None), 90, what=f"it; the log:\n{webhook.log()}")
        time.sleep(1)  # requests with the new certificate
    assert failures == []
    anew = secret(webhook)
    assert anew is not None
    assert anew["data"]["ca.key"] != stored["data"]["ca.key"]
    assert anew["data"]["previous.crt"] == stored["data"]["tls.crt"]
    assert trusted(api) == anew["data"]["ca.crt"]


def test_a_certificate_that_is_due_is_renewed_by_the_same_authority_and_no_read_fails(webhook: Webhook) -> None:
    api, namespace = webhook.api, webhook.api.namespace()
    api.apply(manifest("v2", "a", OLDER, namespace))
    path = f"/api/v1/namespaces/{webhook.namespace}/secrets/dragoman-webhook"
    data = {name: base64.b64decode(value) for name, value in api.get(path)["data"].items()}
    current = Material.of(data)
    then = dt.datetime.now(dt.UTC) - SERVING_LIFE * 0.7
    due = replace(current, serving=new_serving(current.signer, names_of(current.serving.certificate), then))
    text = {name: base64.b64encode(value).decode() for name, value in due.data.items()}
    with reading(api, objects("mappings", "v2", namespace, "a")) as failures:
        api.ask("PATCH", path, {"data": text}, content_type="application/merge-patch+json")
        wait_until(lambda: api.get(path)["data"]["tls.crt"] != text["tls.crt"], 30, what=f"renewal; {webhook.log()}")
        renewed = Secret.of(
            "", {name: base64.b64decode(value) for name, value in api.get(path)["data"].items()}
        ).material
        assert renewed is not None
        served = ssl.PEM_cert_to_DER_cert(renewed.serving.certificate.decode())
        wait_until(lambda: webhook.certificate() == served, 60, what=f"it served; {webhook.log()}")
    assert failures == []
    assert renewed.bundle[0] == current.bundle[0]
    assert renewed.previous == due.serving


@pytest.mark.parametrize("broken", [{"tls.key": "bm90IGEga2V5"}, {"ca.crt": ""}, {"tls.crt": None}])
def test_a_secret_that_somebody_broke_is_made_anew(webhook: Webhook, broken: dict[str, Any]) -> None:
    path = f"/api/v1/namespaces/{webhook.namespace}/secrets/dragoman-webhook"
    api, namespace = webhook.api, webhook.api.namespace()
    with reading(api, objects("mappings", "v2", namespace)) as failures:
        version = api.ask("PATCH", path, {"data": broken}, content_type="application/merge-patch+json")["metadata"]
        wait_until(
            lambda: (secret(webhook) or {}).get("metadata", {}).get("resourceVersion") != version["resourceVersion"],
            30,
            what=f"the Secret written; the log:\n{webhook.log()}",
        )
        wait_until(lambda: trusted(api) == api.get(path)["data"]["ca.crt"], 30, what="the CRDs to trust it")
    assert failures == []


def test_a_pair_from_before_that_somebody_broke_is_left_out_and_told_once(webhook: Webhook) -> None:
    path = f"/api/v1/namespaces/{webhook.namespace}/secrets/dragoman-webhook"
    api, namespace = webhook.api, webhook.api.namespace()
    broken = {"previous.crt": "bm90IGEgY2VydGlmaWNhdGU=", "previous.key": "bm90IGEga2V5"}
    told = "previous.crt cannot be read"
    with reading(api, objects("mappings", "v2", namespace)) as failures:
        api.ask("PATCH", path, {"data": broken}, content_type="application/merge-patch+json")
        wait_until(lambda: told in webhook.log(), 30, what=f"it told; the log:\n{webhook.log()}")
        api.ask("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, content_type="application/merge-patch+json")
        time.sleep(3)  # it has looked again
    assert failures == []
    assert webhook.log().count(told) == 1
    assert webhook.end() == 0
    webhook.start()
    webhook.wait_trusted()


async def test_of_two_holders_at_a_time_one_writes(webhook: Webhook) -> None:
    """Neither a Secret nor a CRD is written by who saw an older one."""
    now = dt.datetime.now(dt.UTC)
    ours = Ours(webhook.api.namespace(), "both", webhook.url)
    async with Connection.open(Settings(kubeconfig=str(webhook.api.kubeconfig))) as api:
        one, other = Cluster(api, ours, "both"), Cluster(api, ours, "both")
        materials = [made(None, (), ours.names, now) for _ in range(4)]
        wrote = await asyncio.gather(one.write(materials.pop(), None), other.write(materials.pop(), None))
        assert sorted(wrote) == [False, True]
        look = await one.look()
        assert look.secret is not None
        seen = look.secret.version
        wrote = await asyncio.gather(one.write(materials.pop(), seen), other.write(materials.pop(), seen))
        assert sorted(wrote) == [False, True]
        definition = next(each for each in look.definitions if each.name.startswith("modules."))
        assert definition.bundle is not None
        stale = Patch(definition.name, "1", b"".join(definition.bundle))
        assert not await one.patch(stale)
        assert await one.now() > now - dt.timedelta(minutes=5)


def test_another_replica_shares_the_secret_and_takes_over(webhook: Webhook) -> None:
    api = webhook.api
    stored = secret(webhook)
    with Webhook(api, called_at=webhook.port) as other:
        wait_until(lambda: other.post("/healthz", b"")[0] == 200 if other.is_ready() else None, 30, what=other.log())
        assert secret(webhook) == stored
        wait_until(lambda: leads(webhook), 60, what="the lease")
        assert webhook.end() == 0
        wait_until(lambda: leads(other), 60, what=f"the lease with the other; its log:\n{other.log()}")
        wrong = {"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": other_authority()}}}}}
        good = trusted(api)
        api.ask("PATCH", MAPPING, wrong, content_type="application/merge-patch+json")
        wait_until(lambda: trusted(api) == good, 30, what=f"the CRD healed; the log:\n{other.log()}")
        assert other.end() == 0
    webhook.start()
    webhook.wait_trusted()


def test_it_is_off_until_a_crd_is_converted_by_us(webhook: Webhook) -> None:
    api = webhook.api
    webhook.end()
    remove(api)
    wait_until(lambda: api.request("GET", MAPPING)[0] == 404, 30, what="the CRDs gone")
    api.request("DELETE", "/api/v1/namespaces/dragoman/secrets/dragoman-webhook")
    with Webhook(api) as another:
        install(api, None)
        assert not another.is_ready()
        install(api, f"https://127.0.0.1:{unused_port()}/convert")  # somebody else's
        assert not another.is_ready()
        assert secret(another) is None
        install(api, another.url)
        another.wait_trusted()
        assert another.is_ready()
        for name in trusts(api):
            unconvert(api, name)
        wait_until(lambda: not another.is_ready(), 30, what=f"it off; the log:\n{another.log()}")
        assert another.end() == 0
    remove(api)
    wait_until(lambda: api.request("GET", MAPPING)[0] == 404, 30, what="the CRDs gone")


@contextlib.contextmanager
def recursion(limit: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    yield
    sys.setrecursionlimit(before)


def trusted(api: ApiServer) -> str:
    return trusts(api)["mappings.getambassador.io"]


def leads(webhook: Webhook) -> bool:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{webhook.namespace}/leases/dragoman-default-webhook"
    status, body = webhook.api.request("GET", path)
    holder = orjson.loads(body)["spec"].get("holderIdentity", "") if status == 200 else ""
    return str(holder).startswith(f"replica-{webhook.port}")


def other_authority() -> str:
    return base64.b64encode(new_authority(dt.datetime.now(dt.UTC)).certificate).decode()

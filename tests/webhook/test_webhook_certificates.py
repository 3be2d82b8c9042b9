"""Older versions on a real API server, while certificates, CRDs and replicas come and go."""

import asyncio
import base64
import datetime as dt
import ssl
import time
from dataclasses import replace
from typing import Any

import orjson
import pytest

from kubeapi.connection import Connection
from process.settings import Settings
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.webhook.running_webhook import (
    DEFINITIONS,
    OLDER,
    Webhook,
    install,
    manifest,
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


def trusted(api: ApiServer) -> str:
    return trusts(api)["mappings.getambassador.io"]


def leads(webhook: Webhook) -> bool:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{webhook.namespace}/leases/dragoman-default-webhook"
    status, body = webhook.api.request("GET", path)
    holder = orjson.loads(body)["spec"].get("holderIdentity", "") if status == 200 else ""
    return str(holder).startswith(f"replica-{webhook.port}")


def other_authority() -> str:
    return base64.b64encode(new_authority(dt.datetime.now(dt.UTC)).certificate).decode()

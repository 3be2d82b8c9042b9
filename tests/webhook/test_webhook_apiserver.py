"""Older versions on a real API server: written in one, read in the others, also beside objects that are odd."""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conversion import ANNOTATION
from tests.webhook.running_webhook import (
    OLDER,
    Webhook,
    manifest,
    objects,
)

pytestmark = pytest.mark.kubernetes


@contextlib.contextmanager
def recursion(limit: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    yield
    sys.setrecursionlimit(before)


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

"""Hosts, their certificates and routes on the page: what is made of the translator's answer and of Secrets."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from diagnostics.ui.certificates import SOON, Certificate, certificate_of
from snapshot import Record
from tests.diagnostics.page_worlds import MAPPING, NOW, html, problem, shown, status, viewing
from tests.support.certificates import authority

KEY = f"{MAPPING}default/a"


def entry(name: str, **changes: Any) -> dict[str, Any]:
    usual = {
        "name": name, "also": [], "listener": "default/http", "port": 8080, "protocol": "HTTPS", "chain": "c",
        "number": 0, "server_names": [], "certificates": [], "client_certificate": False, "insecure": None,
        "objects": [], "routes": 2, "does": None,
    }  # fmt: skip
    return {**usual, **changes}


def secret(body: Mapping[str, Any]) -> Record:
    return Record("1", orjson.dumps(body))


def test_a_certificate_is_told_with_its_names_and_its_end_and_without_its_key(tmp_path: Path) -> None:
    pair = authority().sign("a.test")
    body = {"data": {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": "aHVudGVyMg=="}}
    now = datetime.now(UTC).timestamp()
    told = {"told": {"of": 1, "hosts": [entry("a.test", certificates=["default/tls"])]}, "now": now}
    with viewing(tmp_path, {"core/Secret/default/tls": secret(body)}) as view:
        found = certificate_of(view, "default/tls")
        assert found.names == ("a.test",)
        assert found.state(now) == "ok"
        assert timedelta(seconds=found.ends - now) > timedelta(days=20)
        text = html(view, "hosts", told)
        assert "aHVudGVyMg" not in text
        assert "in 30 days" in text


@pytest.mark.parametrize(
    "body",
    [{}, {"data": None}, {"data": {"tls.crt": "!"}}, {"data": {"tls.crt": 5}}, {"stringData": {"tls.crt": "no"}}],
)
def test_a_secret_without_a_certificate_is_told(tmp_path: Path, body: dict[str, Any]) -> None:
    with viewing(tmp_path, {"core/Secret/default/tls": secret(body)}) as view:
        assert certificate_of(view, "default/tls").trouble == "no certificate can be read in it"
        assert certificate_of(view, "default/other").trouble == "the Secret is not there"
        assert certificate_of(view, "/etc/tls/tls.crt").trouble == ""


@pytest.mark.parametrize(
    ("begins", "ends", "state"),
    [(-1, SOON + 1, "ok"), (-1, SOON - 1, "warned"), (-2, -1, "stopped"), (1, SOON + 1, "stopped")],
)
def test_what_ends_soon_or_is_over_is_seen(begins: float, ends: float, state: str) -> None:
    assert Certificate("s", begins=NOW + begins, ends=NOW + ends).state(NOW) == state


def test_a_name_is_told_once_with_every_place_where_it_is_served(tmp_path: Path) -> None:
    passed = {"kind": "forwards", "backends": [{"cluster": "k8s/a/b/1", "weight": 1}], "mirrors": []}
    hosts = [
        entry("a.test"),
        entry("a.test", port=8443, insecure="redirect", protocol="HTTP"),
        entry("t.test", protocol="TCP", routes=None, number=None, does=passed),
    ]
    with viewing(tmp_path) as view:
        found = shown(view, "hosts", {"told": {"of": 3, "hosts": hosts}, "now": NOW})
        assert {name: len(places) for name, places in found["hosts"].items()} == {"a.test": 2, "t.test": 1}
        text = html(view, "hosts", {"told": {"of": 3, "hosts": hosts}, "now": NOW})
        assert all(said in text for said in ("requests in clear text: redirect", "k8s/a/b/1", "chain=c&amp;host=0"))
        assert "is gone" in html(view, "hosts", {"told": {"error": "the translator is gone"}, "now": NOW})


def test_routes_say_what_became_of_their_object(tmp_path: Path) -> None:
    row = {
        "place": 6, "route": "r", "objects": [{"key": KEY, "kind": "Mapping", "namespace": "default", "name": "a",
        "source": None}], "asks": "prefix /a/", "share": None, "before": [{"what": "CORS", "objects": []}],
        "does": {"kind": "redirects", "status": 301}, "after": None,
    }  # fmt: skip
    own = {**row, "place": 7, "objects": [], "does": {"kind": "forwards", "mirrors": [], "backends": [
        {"cluster": None, "weight": 1}, {"cluster": "k8s/x", "weight": 3}]}}  # fmt: skip
    told = {"host": entry("a.test"), "of": 2, "all": 9, "routes": [row, own]}
    with viewing(tmp_path, {}, {KEY: status("warned", problem("odd", stops=False))}) as view:
        assert [each["state"] for each in shown(view, "routes", told)["routes"]] == ["warned", "ok"]
        text = html(view, "routes", told)
        assert all(said in text for said in (">7<", "prefix /a/", "redirects 301", "nobody", "weight 3", "CORS"))
        assert "Dragoman&#39;s own" in text

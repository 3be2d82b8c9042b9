"""Everything that people wrote comes out as text: no element, no attribute and no address of theirs is in a page."""

import base64
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import orjson
import pytest

from diagnostics.parts import Part
from diagnostics.published import Cluster
from diagnostics.ui.query import Paged
from diagnostics.ui.views import VIEWS
from diagnostics.view import View
from snapshot import Record
from tests.diagnostics.page_worlds import EVIL, MAPPING, NOW, Read, html, problem, status, system, viewing
from tests.support.certificates import authority

KEY = f"{MAPPING}{EVIL.replace('/', '|')}/{EVIL}"
OBJECT = {"key": KEY, "group": "g", "kind": "Mapping", "namespace": EVIL, "name": EVIL, "source": EVIL}
DOES = {"kind": "forwards", "backends": [{"cluster": EVIL, "weight": 1}], "mirrors": [EVIL], "timeout_ms": None}
RULE = {
    "route": EVIL, "objects": [OBJECT], "asks": EVIL, "share": 20, "does": DOES, "after": EVIL,
    "before": [{"what": EVIL, "objects": [OBJECT]}],
}  # fmt: skip
HOST = {
    "name": EVIL, "also": [EVIL], "listener": EVIL, "port": 80, "protocol": "HTTP", "chain": EVIL, "number": 0,
    "server_names": [EVIL], "certificates": [f"{EVIL}/{EVIL}", "default/tls"], "client_certificate": True,
    "insecure": EVIL, "objects": [OBJECT], "routes": 1, "does": None,
}  # fmt: skip
REPORT: dict[str, Any] = {
    "request": {"method": "GET", "url": EVIL, "headers": [EVIL]},
    "listener": {"name": EVIL, "port": 80, "objects": [OBJECT]},
    "chain": {"tls": True, "server_names": [EVIL], "certificates": [EVIL], "client_certificate": True, "http": True},
    "host": {"name": EVIL, "also": [], "insecure": EVIL, "objects": [OBJECT]},
    "rule": RULE, "others": [RULE], "left_out": 3, "notes": [EVIL], "served": True,
    "answer": {
        "kind": "forwards", "why": EVIL, "cluster": EVIL, "method": EVIL, "authority": EVIL, "path": EVIL,
        "original_path": f"{EVIL}!", "headers": {EVIL: EVIL},
    },
    "endpoints": [{"address": EVIL, "healthy": False, "troubles": [EVIL]}],
}  # fmt: skip
REDIRECTS = {**REPORT, "answer": {"kind": "redirects", "status": 301, "location": EVIL, "why": EVIL}}
OVERVIEW = {
    "info": {"state": EVIL, "version": f"a/{EVIL}", "uptime_current_epoch": EVIL},
    "traffic": None, "parts": [Part(EVIL, NOW, EVIL, 1)], "ending": False, "system": system(), "now": NOW,
}  # fmt: skip
CLUSTER = Cluster(EVIL, "EDS", EVIL, EVIL, has_tls=True, endpoints=None, addresses=())
ENDPOINT = {
    "address": EVIL, "healthy": False, "troubles": [EVIL], "rq_total": 1, "rq_error": 1, "rq_active": 1,
    "cx_active": 1, "hostname": EVIL, "weight": 1, "zone": EVIL,
}  # fmt: skip
PAGES: dict[str, list[dict[str, Any]]] = {
    "": [OVERVIEW],
    "objects": [{}],
    "object": [{}],
    "changes": [{"now": NOW}],
    "hosts": [{"told": {"of": 1, "hosts": [HOST]}, "now": NOW}, {"told": {"error": EVIL}, "now": NOW}],
    "routes": [{"host": HOST, "of": 1, "all": 1, "routes": [{"place": 0, **RULE}]}, {"error": EVIL}],
    "clusters": [{"page": Paged(1, 1, 50), "clusters": {EVIL: CLUSTER}, "hosts": {EVIL: [ENDPOINT]}}],
    "cluster": [{"hosts": {EVIL: [ENDPOINT]}}],
    "flow": [
        {
            "hosts": {"of": 1, "hosts": [HOST], "listeners": [{"name": EVIL, "port": 80}]},
            "host": HOST,
            "routes": {"of": 1, "routes": [{"place": 0, **RULE}]},
        },
        {"hosts": {"error": EVIL}, "host": None, "routes": {}},
    ],
    "levels": [{"levels": {EVIL: EVIL, "a": "info", "b": "info"}, "own": EVIL}],
    "why": [REPORT, REDIRECTS, {"error": EVIL}],
}
WORDS = dict.fromkeys(
    ("name", "find", "namespace", "kind", "state", "url", "method", "headers", "from", "sni", "port"), EVIL
)
ADDRESSES = ("href", "src", "action")
OURS = {page.name for page in VIEWS} | {"", "./", "#main", "../../../metrics"}


def test_every_view_is_tried() -> None:
    assert {page.name for page in VIEWS} == set(PAGES)


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    certificate = base64.b64encode(authority().sign("<mark>x.test").certificate).decode()
    objects = {
        KEY: Record("1", orjson.dumps({EVIL: EVIL}), {"source": EVIL}),
        "dragoman/File//<mark>f": Record("1", b"{}"),
        "core/Secret/default/tls": Record("1", orjson.dumps({"data": {"tls.crt": certificate}})),
    }
    bad = problem(EVIL, path=EVIL)
    statuses = {KEY: status("stopped", bad, bad, more=2), "dragoman/File//<mark>f": status("stopped", bad)}
    acks = {f"cluster/{EVIL}": Record("1", b"", {"refused": "h", "message": EVIL})}
    refused = blake2b(objects[KEY].body, digest_size=16).hexdigest()
    holds = {KEY: Record("1", b"", {"message": EVIL, "refused": refused})}
    before = {KEY: Record("0", orjson.dumps({EVIL: [EVIL], "headers": {EVIL: EVIL}}))}
    resources = {f"cluster/{EVIL}": Record("1", b"\x0a" + bytes([len(EVIL.encode())]) + EVIL.encode())}
    folder = tmp_path_factory.mktemp("evil")
    with viewing(folder, objects, statuses, before, acks=acks, holds=holds, resources=resources) as view:
        yield view


@pytest.mark.parametrize(
    ("name", "told"), [(name, told) for name, tolds in PAGES.items() for told in tolds], ids=lambda each: str(each)[:8]
)
@pytest.mark.parametrize("words", [{}, WORDS], ids=["plain", "asked"])
def test_what_people_wrote_comes_out_as_text(
    view: View, name: str, told: dict[str, Any], words: dict[str, str]
) -> None:
    text = html(view, name, told, **{"key": KEY, "name": EVIL, **words})
    read = Read(text)
    assert "123123" not in read.text, "a template was made of it"
    assert "mark" not in read.tags
    assert read.tags.count("img") == text.count('<img src="static/icon.svg"')
    assert read.tags.count("script") == text.count('<script src="static/')
    assert not [each for each in read.attributes if each[0].startswith("on") or each[0] == "style"]
    places = [value for attribute, value in read.attributes if attribute in ADDRESSES]
    foreign = [each for each in places if each.partition("?")[0] not in OURS and not each.startswith("static/")]
    assert foreign == []
    assert "\u202e" not in text
    if words or name in ("", "object", "changes"):
        assert "<script>alert(1)</script>" in read.text + "".join(value for _, value in read.attributes)

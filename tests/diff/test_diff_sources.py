"""What becomes of a gateway's objects, or a cluster's, when a folder takes their place or is applied to them. Pure."""

import orjson

from diff.sources import Side, applied
from tests.diff.made import MAKER, side
from tests.support.objects import host, mapping
from translator.quarantine import Hold, digest

QUOTE, MORE = "getambassador.io/Mapping/default/quote", "getambassador.io/Mapping/default/more"
SECRET = "core/Secret/default/fallback"


def bodies(**metadata: str) -> dict[str, bytes]:
    found = side(mapping("quote", "*", "10.0.0.1", "/quote/") + mapping("more", "*", "10.0.0.1", "/more/")).objects
    return {
        key: orjson.dumps({**(read := orjson.loads(body)), "metadata": {**read["metadata"], **metadata}})
        for key, body in found.items()
    }


def test_what_is_from_the_followed_folder_is_replaced_as_a_whole() -> None:
    places = {QUOTE: "a.yaml#1", MORE: "a.yaml#2", SECRET: "(generated)/certificate.yaml#1"}
    live = Side("live", {**bodies(), SECRET: b"{}"}, places, has_secrets=True)
    after = applied(live, side(mapping("quote", "*", "10.0.0.1", "/q/")))
    assert after.objects.keys() == {QUOTE, SECRET}
    assert b'"/q/"' in after.objects[QUOTE]
    assert after.has_secrets


def test_in_a_cluster_the_rest_stays_and_ages_are_kept() -> None:
    born = "2024-01-01T00:00:00Z"
    live = Side("live", {**bodies(creationTimestamp=born), SECRET: b"{}"})
    folder = side(mapping("quote", "*", "10.0.0.1", "/q/") + host("new", "new.test"))
    after = applied(live, folder)
    assert after.objects.keys() == {QUOTE, MORE, SECRET, "getambassador.io/Host/default/new"}
    assert orjson.loads(after.objects[QUOTE])["metadata"]["creationTimestamp"] == born
    assert "creationTimestamp" not in orjson.loads(after.objects["getambassador.io/Host/default/new"])["metadata"]
    assert applied(live, folder, prune=True).objects.keys() == after.objects.keys() - {MORE}
    elsewhere = side(mapping("quote", "*", "10.0.0.1", "/q/", namespace_="team-b"))
    assert {QUOTE, MORE} <= applied(live, elsewhere, prune=True).objects.keys()


def test_what_a_gateway_holds_back_is_not_what_it_serves() -> None:
    objects = bodies()
    good = objects[QUOTE].replace(b"/quote/", b"/good/")
    held = Side(
        "live", objects, holds={QUOTE: Hold(digest(objects[QUOTE]), good, "Envoy refuses it")}, has_secrets=True
    )
    route = MAKER.make(held).outline.routes["default/quote"].route
    assert route.match.path.text == "/good/"
    mended = applied(held, side(mapping("quote", "*", "10.0.0.1", "/mended/")))
    assert MAKER.make(mended).outline.routes["default/quote"].route.match.path.text == "/mended/"

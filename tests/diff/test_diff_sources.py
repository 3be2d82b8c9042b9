"""What becomes of a gateway's objects, or a cluster's, when a folder takes their place or is applied to them. Pure."""

import orjson
import pytest

from diff.cluster import _side, _View
from diff.making import Made
from diff.sources import Side, applied
from snapshot import Record
from tests.diff.made import MAKER, side
from tests.support.objects import host, mapping
from translator.quarantine import Hold, digest
from watcher.sources import Problem, Source
from watcher.state import Changes, LocatedProblem

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


EVERYWHERE = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours, labels: {getambassador.io/addresses: dedicated}}
spec: {controllerName: getambassador.io/dragoman}
---
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ours}
---
"""


def test_what_is_in_no_namespace_takes_its_place_in_a_cluster_and_has_nothing_else_pruned() -> None:
    ours, others = ("gateway.networking.k8s.io/GatewayClass//ours", "gateway.networking.k8s.io/GatewayClass//others")
    live = Side("live", {**bodies(), ours: b'{"metadata":{"name":"ours"}}', others: b'{"metadata":{"name":"others"}}'})
    folder = side(EVERYWHERE + mapping("quote", "*", "10.0.0.1", "/q/", namespace_="team"))
    after = applied(live, folder, prune=True)
    assert orjson.loads(after.objects[ours])["metadata"]["labels"] == {"getambassador.io/addresses": "dedicated"}
    assert [key for key in after.objects if "GatewayClass" in key or "Namespace" in key] == [
        *(ours, others, "core/Namespace//team")
    ]
    assert {QUOTE, MORE} <= after.objects.keys(), "the folder has nothing in their namespace"
    assert after.places[ours].endswith("#1")


def test_a_secret_that_only_the_folder_names_is_taken_to_be_in_the_cluster() -> None:
    def served(names: str) -> str:
        return "".join(host(name, f"{name}.test", tlsSecret={"name": name}) for name in names.split())

    live = Side("live", side(served("missing")).objects, has_secrets=True)
    before = MAKER.make(live)
    after = MAKER.make(applied(live, side(served("missing fresh"))), before)

    def certificates(made: Made) -> set[str]:
        return {name for sort, name in made.outline.items if sort == "certificate" and name.startswith("default/")}

    assert not any("missing" in name for name in certificates(before) | certificates(after)), (
        "it is known to be missing"
    )
    assert any("fresh" in name for name in certificates(after))


@pytest.mark.parametrize(
    ("unseen", "has_secrets", "is_unread"),
    [([], True, False), (["secrets"], False, False), (["httproutes/team-a"], True, True)],
)
def test_a_kind_that_may_not_be_read_is_told_by_the_exit_code(
    unseen: list[str], has_secrets: bool, is_unread: bool
) -> None:
    view = _View()
    told = [LocatedProblem(Source(0, name), Problem("may not be listed")) for name in unseen]
    passing = LocatedProblem(Source(0, "hosts"), Problem("cannot be read at the moment"))
    view.publish(Changes(appeared=(passing, *told)))
    view.publish(Changes({QUOTE: Record("1", b"{}", {})}, healed=(passing,)))
    seen = _side("there", view)
    assert (seen.has_secrets, seen.unread, len(seen.notes)) == (has_secrets, is_unread, len(unseen))
    assert seen.objects == {QUOTE: b"{}"}


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

"""Any edits in any batches give the same resources as from scratch, also where chains have an index and shards."""

from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.translator.emissary.test_emissary_incremental import apply, edits
from tests.translator.emissary.world import World, key_of
from translator.options import Options
from translator.pipeline import Pipeline
from translator.xds import regions, shards
from translator.xds.shards import chains_of

FROM = 24
EVERYWHERE = {"namespace": {"from": "ALL"}}
FEW = 3
"""Routes of a large virtual host, and in a region of it."""


class Piped(World):
    """A world whose objects go through the whole pipeline."""

    def __init__(self) -> None:
        super().__init__(service_namespaces=None)
        self.put("Listener", "http", port=80, protocol="HTTP", securityModel="XFP", hostBinding=EVERYWHERE)
        for name, hostname in (("a", "foo.com"), ("b", "*.foo.com"), ("c", "*")):
            self.put("Host", name, hostname=hostname, requestPolicy={"insecure": {"action": "Route"}})
        for number in range(12):
            hostname = ("*", "foo.com", "bar.foo.com", "*.foo.com")[number % 4]
            upgrade = {"allow_upgrade": ["websocket"]} if number % 5 == 0 else {}
            self.put("Mapping", f"m{number}", hostname=hostname, prefix=f"/a{number}/", service="quote", **upgrade)
        self.pipeline = Pipeline(Options(service_namespaces=None, index_from=FROM))

    def take(self) -> None:
        """Let the pipeline have what changed."""
        changes = {key: body for rows in self._changes.values() for key, body in rows.items()}
        self._changes.clear()
        update = self.pipeline.apply(changes)
        assert not update.failures

    def scopes(self) -> dict[str, bool]:
        """The chains that have an index."""
        return chains_of(key.partition("/")[2] for key in self.pipeline.resources() if key.startswith("scope/"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.lists(edits, max_size=12), max_size=6))
def test_any_edits_in_any_batches_are_the_same_as_from_scratch(
    batches: list[list[tuple[str, str, str, object]]],
) -> None:
    with patch.object(shards, "MOST_ROUTES", FEW), patch.object(regions, "MOST_ROUTES", FEW):
        swept, fresh = Piped(), Piped()
        for batch in batches:
            for edit in batch:
                apply(swept, edit)
                apply(fresh, edit)
            swept.take()
        swept.take()
        fresh.pipeline.were_scoped(dict(swept.scopes()))
        fresh.take()
        assert fresh.pipeline.resources() == swept.pipeline.resources()
        hang_together(swept.pipeline)


def hang_together(pipeline: Pipeline) -> None:
    """Each scope has its routes, and each of these that is not a chain's own has a scope."""
    resources = pipeline.resources()
    scopes = {key.partition("/")[2] for key in resources if key.startswith("scope/")}
    routes = {key.partition("/")[2] for key in resources if key.startswith("route/")}
    assert scopes <= routes
    assert routes - scopes <= set(pipeline.intent.chains.view())
    for chain in chains_of(scopes):
        assert chain not in routes


def test_the_world_that_is_edited_has_an_index_and_regions() -> None:
    with patch.object(shards, "MOST_ROUTES", FEW), patch.object(regions, "MOST_ROUTES", FEW):
        made = Piped()
        made.take()
        assert made.scopes() == {"default/http/cleartext": True}
        named = [key for key in made.pipeline.resources() if key.startswith("scope/")]
        assert len(named) > 6
        for number in range(8):
            made.delete(key_of("Mapping", f"m{number}"))
            made.take()
        assert made.scopes() == {"default/http/cleartext": True}, "down to half of it"
        made.delete(key_of("Host", "b"))
        made.take()
        assert made.scopes() == {}

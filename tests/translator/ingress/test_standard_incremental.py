"""Edits of Ingresses in any batches give what the same objects give from scratch; any JSON in one harms nobody."""

import base64
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.certificates import authority
from tests.support.shapes import JSON, places, put
from tests.translator.ingress.test_standard_ingresses import NGINX, World, ingress, ingress_class, path, service
from translator.ir import ObjectKey

NAMES = st.sampled_from(["a", "b"])
NAMESPACES = st.sampled_from(["team", "other"])
HOSTS = st.sampled_from(
    ["", "foo.test", "b.a.foo.test", "www.foo.test", "*.foo.test", "a.foo.test", "*.test", "no host"]
)
PATHS = st.builds(
    path,
    st.sampled_from(["/", "/a", "/a/", "/a/b", "/a(/|$)(.*)", "none"]),
    st.sampled_from(["Exact", "Prefix", "ImplementationSpecific"]),
    st.sampled_from(["web", "absent"]),
    st.sampled_from([80, "http"]),
)
SAID = st.dictionaries(
    st.sampled_from(
        [
            "canary",
            "canary-weight",
            "use-regex",
            "from-to-www-redirect",
            "server-alias",
            "ssl-redirect",
            "ssl-passthrough",
        ]
    ),
    st.sampled_from(["true", "50", "alias.test, a.foo.test"]),
    max_size=3,
).map(lambda said: {NGINX + name: text for name, text in said.items()})
TLS = st.lists(
    st.fixed_dictionaries({"hosts": st.lists(HOSTS, max_size=2), "secretName": st.sampled_from(["cert", "absent"])}),
    max_size=2,
)
INGRESSES = st.builds(
    lambda namespace, name, rules, created, said, tls, default: ingress(
        namespace, name, *rules, created=created, said=said, tls=tls, **({"defaultBackend": default} if default else {})
    ),
    NAMESPACES,
    NAMES,
    st.lists(st.tuples(HOSTS, PATHS), max_size=3),
    st.sampled_from(["", "2020-01-01T00:00:00Z"]),
    SAID,
    TLS,
    st.none() | st.just(path()["backend"]),
)
OTHERS = st.one_of(
    st.builds(service, NAMESPACES),
    st.sampled_from([ingress_class(), ingress_class("k8s.io/ingress-nginx"), ingress_class(default="true")]),
)
PAIR = authority().sign("foo.test")
SECRETS = [
    {
        f"core/Secret/{namespace}/{name}": {
            "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": namespace},
            "data": {
                "tls.crt": base64.b64encode(PAIR.certificate).decode(),
                "tls.key": base64.b64encode(PAIR.key).decode(),
            },
        }
    }
    for namespace, name in (("team", "cert"), ("default", "fallback-self-signed-cert"))
]
EDITS = st.tuples(st.one_of(INGRESSES, INGRESSES, OTHERS), st.sampled_from([False, False, False, True]))


def changes(edits: list[tuple[dict[str, Any], bool]]) -> dict[ObjectKey, bytes | None]:
    return {key: None if gone else orjson.dumps(body) for objects, gone in edits for key, body in objects.items()}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.lists(EDITS, max_size=6), max_size=4))
def test_any_edits_in_any_batches_are_the_same_as_from_scratch(batches: list[list[Any]]) -> None:
    swept, fresh = (World(ingress_class(), service("team"), service("other"), *SECRETS) for _ in range(2))
    whole: dict[ObjectKey, bytes | None] = {}
    for batch in batches:
        whole |= changes(batch)
        assert swept.pipeline.apply(changes(batch)).failures == ()
    assert fresh.pipeline.apply(whole).failures == ()
    assert swept.pipeline.resources() == fresh.pipeline.resources()
    assert swept.pipeline.problems(whole) == fresh.pipeline.problems(whole)
    hangs_together(swept)


def hangs_together(made: World) -> None:
    """What Envoy would refuse as a whole: a name, a match or a domain twice; and orders that cannot be compared."""
    intent = made.pipeline.intent
    chains = intent.chains.view()
    matches = [(chain.listener, chain.server_names, bool(chain.tls)) for chain in chains.values()]
    assert len(matches) == len(set(matches))
    for chain in chains.values():
        hosts = getattr(chain.body, "virtual_hosts", ())
        domains = [domain for host in hosts for domain in (host.hostname, *host.also)]
        assert len(domains) == len(set(domains)), domains
    names = [route.name for routes in intent.routes.view().values() for route in routes]
    assert len(names) == len(set(names))


WHOLE = ingress(
    "team",
    "whole",
    ("a.test", path("/a")),
    ("*.b.test", path("/", "Exact")),
    said={f"{NGINX}rewrite-target": "/$1", f"{NGINX}whitelist-source-range": "10.0.0.0/8"},
    tls=[{"hosts": ["a.test"], "secretName": "cert"}],
    defaultBackend=path()["backend"],
)
WORLD = World(ingress_class(), service("team"), service("other"), ingress("other", "by", ("by.test", path())))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_anything_anywhere_stops_one_object_at_most(data: st.DataObject) -> None:
    ((key, document),) = WHOLE.items()
    place = data.draw(st.sampled_from([found for found in places(document) if found]))
    WORLD.apply({key: put(document, place, data.draw(JSON))})
    for problem in WORLD.problems(key):
        assert problem.path or problem.more
        assert problem.message
    assert WORLD.answers("by.test") == [("/", "other/by", "other/web")]

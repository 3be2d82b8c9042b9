"""Ingresses by Kubernetes' rules: whose they are, who has a path, and that nobody gets at what is another's."""

import base64
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
import pytest

from tests.support.certificates import authority
from translator import ir
from translator.decode import Problem
from translator.decoding.findings import MOST
from translator.options import Options
from translator.pipeline import Pipeline
from translator.quarantine import Verdict
from translator.translation import Translation

CLASS: Final = "networking.k8s.io/IngressClass//edge"
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
NGINX: Final = "nginx.ingress.kubernetes.io/"
IN_FOLDER: Final = Options()
IN_CLUSTER: Final = Options(in_cluster=True)

PAIR: Final = authority().sign("any.test")

Objects = dict[str, dict[str, Any]]


def ingress_class(controller: str = "getambassador.io/dragoman", parameters: object = None, **said: str) -> Objects:
    annotations = {
        "default": "ingressclass.kubernetes.io/is-default-class",
        "take_over": "getambassador.io/take-over",
        "id": "getambassador.io/ambassador-id",
    }
    metadata = {"name": "edge", "annotations": {annotations[key]: value for key, value in said.items()}}
    return {CLASS: {"metadata": metadata, "spec": {"controller": controller, "parameters": parameters}}}


def service(namespace: str, name: str = "web") -> Objects:
    metadata = {"name": name, "namespace": namespace}
    ports = [{"name": "http", "port": 80}]
    return {f"core/Service/{namespace}/{name}": {"metadata": metadata, "spec": {"ports": ports}}}


def path(text: str = "/", kind: str = "Prefix", name: str = "web", port: object = 80) -> dict[str, Any]:
    named = {"name": port} if isinstance(port, str) else {"number": port}
    return {"path": text, "pathType": kind, "backend": {"service": {"name": name, "port": named}}}


def ingress(
    namespace: str,
    name: str,
    *rules: tuple[str, dict[str, Any]],
    created: str = OLD,
    said: Mapping[str, str] | None = None,
    **spec: Any,
) -> Objects:
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": created, "annotations": dict(said or {})}
    listed = [{"host": host, "http": {"paths": [each]}} for host, each in rules]
    return {
        key_of(namespace, name): {"metadata": metadata, "spec": {"ingressClassName": "edge", "rules": listed, **spec}}
    }


def key_of(namespace: str, name: str) -> str:
    return f"networking.k8s.io/Ingress/{namespace}/{name}"


class World:
    """What is served of some objects, in the IR."""

    def __init__(self, *objects: Objects, options: Options = IN_FOLDER) -> None:
        self.pipeline = Pipeline(options)
        self.apply(*objects)

    def apply(self, *objects: Objects) -> None:
        update = self.pipeline.apply({key: orjson.dumps(body) for each in objects for key, body in each.items()})
        assert update.failures == ()

    def remove(self, key: str) -> None:
        assert self.pipeline.apply({key: None}).failures == ()

    def routes(self, host: str, scheme: str = "http") -> list[ir.Route]:
        intent, found = self.pipeline.intent, list[ir.Route]()
        for name, hosts in intent.hosts_of.view().items():
            if f"ingress/{scheme}/{host}" in hosts:
                found += intent.routes.view()[name]
        return sorted(found, key=lambda route: route.order)

    def answers(self, host: str, scheme: str = "http") -> list[tuple[str, str, str]]:
        """Whose each path of a host is, and where it leads."""
        return [
            (route.match.path.text, route.origins[0].split("/", 2)[2], _leads(route.action))
            for route in self.routes(host, scheme)
        ]

    def problems(self, key: str) -> tuple[Problem, ...]:
        return self.pipeline.problems([key])[key]

    def told(self, key: str) -> str:
        return "\n".join(f"{each.path} {each.message}" for each in self.problems(key))

    @property
    def listeners(self) -> Iterable[str]:
        return sorted(self.pipeline.intent.listeners.view())


def _leads(action: object) -> str:
    if isinstance(action, ir.Forward):
        backend = action.backends[0].backend
        target = backend.target if backend else None
        return f"{target.namespace}/{target.name}" if isinstance(target, ir.ServicePort) else "nowhere"
    return f"redirect {action.code}" if isinstance(action, ir.Redirect) else str(getattr(action, "status", ""))


WEB: Final = ("web.test", path("/a"))
LISTENER: Final[Objects] = {
    "getambassador.io/Listener/default/http": {
        "metadata": {"name": "http", "namespace": "default"},
        "spec": {
            "port": 8080,
            "protocol": "HTTP",
            "securityModel": "XFP",
            "hostBinding": {"namespace": {"from": "ALL"}},
        },
    }
}


@pytest.mark.parametrize(
    ("classes", "named", "said", "options", "ours"),
    [
        (ingress_class(), "edge", {}, IN_CLUSTER, True),
        (ingress_class(), "other", {}, IN_CLUSTER, False),
        ({}, "edge", {}, IN_CLUSTER, False),
        (ingress_class(), None, {"kubernetes.io/ingress.class": "edge"}, IN_CLUSTER, True),
        (ingress_class(), None, {}, IN_CLUSTER, False),
        (ingress_class(default="true"), None, {}, IN_CLUSTER, False),
        (ingress_class(default="true"), None, {}, IN_FOLDER, True),
        (ingress_class(id="other"), "edge", {}, IN_CLUSTER, False),
        (ingress_class(), "edge", {"getambassador.io/ambassador-id": "other"}, IN_CLUSTER, False),
        (ingress_class("k8s.io/ingress-nginx"), "edge", {}, IN_CLUSTER, False),
        (ingress_class("k8s.io/ingress-nginx", take_over="true"), "edge", {}, IN_CLUSTER, True),
        (ingress_class("some.one/else", take_over="true"), "edge", {}, IN_CLUSTER, False),
    ],
)
def test_whose_an_ingress_is(
    classes: Objects, named: str | None, said: dict[str, str], options: Options, ours: bool
) -> None:
    made = ingress("team", "web", WEB, said=said)
    made[key_of("team", "web")]["spec"]["ingressClassName"] = named
    world = World(classes, made, service("team"), options=options)
    assert bool(world.routes("web.test")) == ours
    assert (key_of("team", "web") in world.pipeline._apis.addresses.view()) == ours


def test_a_class_that_goes_takes_its_ingresses_along() -> None:
    world = World(ingress_class(), ingress("team", "web", WEB), service("team"))
    assert world.listeners == ["ingress:8080"]
    world.remove(CLASS)
    assert (world.routes("web.test"), world.listeners) == ([], [])


def test_what_a_class_says_in_parameters_is_told() -> None:
    world = World(ingress_class(parameters={"kind": "ConfigMap", "name": "x"}))
    assert "spec.parameters are not read" in world.told(CLASS)


def test_the_older_ingress_has_a_path_and_the_younger_is_told() -> None:
    younger = ingress("evil", "a", WEB, created=NEW)
    world = World(ingress_class(), younger, ingress("team", "z", WEB), service("team"), service("evil"))
    assert world.answers("web.test") == [("/a", "team/z", "team/web")]
    assert "/a of web.test is that of Ingress team/z already, which is older" in world.told(key_of("evil", "a"))
    assert world.told(key_of("team", "z")) == ""
    world.remove(key_of("team", "z"))
    assert world.answers("web.test") == [("/a", "evil/a", "evil/web")]
    assert world.told(key_of("evil", "a")) == ""


@pytest.mark.parametrize("text", ["/a/", "/a"])
def test_a_slash_at_the_end_makes_no_other_prefix(text: str) -> None:
    other = ingress("evil", "a", ("WEB.test", path(text)), created=NEW)
    world = World(ingress_class(), other, ingress("team", "z", WEB), service("team"), service("evil"))
    assert world.answers("web.test") == [("/a", "team/z", "team/web")]


def test_services_and_secrets_are_those_of_the_own_namespace() -> None:
    """There is a Service, and a Secret, of these names: in another namespace."""
    tls = [{"hosts": ["web.test"], "secretName": "cert"}]
    world = World(ingress_class(), ingress("evil", "a", WEB, tls=tls), service("team"))
    assert [leads for _, _, leads in world.answers("web.test", "https")] == ["nowhere"]
    told = world.told(key_of("evil", "a"))
    assert "spec.rules[0].http.paths[0].backend.service.name the Service evil/web does not exist" in told
    assert "Secret evil/cert does not exist" in told


def test_a_certificate_is_shown_for_hosts_of_the_own_rules_alone() -> None:
    tls = [{"hosts": ["bank.test"], "secretName": "cert"}]
    world = World(ingress_class(), ingress("evil", "a", WEB, tls=tls), ingress("team", "b", ("bank.test", path())))
    assert not any("bank.test" in name for name in world.pipeline.intent.chains.view())
    assert "bank.test is no host of these rules" in world.told(key_of("evil", "a"))


def test_a_default_backend_is_for_hosts_that_nobody_has_and_for_its_own() -> None:
    backend = path()["backend"]
    mine = ingress("team", "mine", WEB, defaultBackend=backend)
    other = ingress("other", "other", ("other.test", path("/b")))
    world = World(ingress_class(), mine, other, service("team"), service("other"))
    assert world.answers("*") == [("/", "team/mine", "team/web")]
    assert world.answers("web.test")[-1] == ("/", "team/mine", "team/web")
    assert world.answers("other.test") == [("/b", "other/other", "other/web")]


def test_a_canary_is_of_its_own_namespace() -> None:
    said = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "100"}
    main = ingress("team", "web", WEB)
    foreign = ingress("evil", "canary", WEB, said=said)
    world = World(ingress_class(), main, foreign, service("team"), service("evil"))
    assert world.answers("web.test") == [("/a", "team/web", "team/web")]
    assert "a canary must be of the same namespace" in world.told(key_of("evil", "canary"))
    world.apply(ingress("team", "own", ("web.test", path("/a", name="next")), said=said), service("team", "next"))
    assert [leads for _, _, leads in world.answers("web.test")] == ["team/next", "team/web"]
    assert world.told(key_of("team", "own")) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "/(.*)|/a-very-long-one-that-matches-all",
        "/secret.*|/.*",
        "/[](]|.*|/secret/x[)]",
        "/[[:alpha:](]|.*[[:alpha:])]",
        r"/\Q[\E|.*|/secret/long",
        "/s*.*aaaaaaaaaaaaaaaaaaaa|",
        "/secre(t)?.*",
    ],
)
def test_a_long_expression_takes_no_others_paths(pattern: str) -> None:
    said = {f"{NGINX}use-regex": "true"}
    thief = ingress("evil", "a", ("web.test", path(pattern, "ImplementationSpecific")), said=said, created=NEW)
    owner = ingress("team", "b", ("web.test", path("/secret")))
    world = World(ingress_class(), thief, owner, service("team"), service("evil"))
    assert [whose for _, whose, _ in world.answers("web.test")] == ["team/b", "evil/a"]


def test_an_expression_comes_before_shorter_prefixes_and_never_leaves_its_group() -> None:
    said = {f"{NGINX}rewrite-target": "/$2"}
    front = ingress("team", "front", ("web.test", path("/")))
    api = ingress("team", "api", ("web.test", path("/api(/|$)([0-9]*|.*)", "ImplementationSpecific")), said=said)
    world = World(ingress_class(), front, api, service("team"))
    assert [whose for _, whose, _ in world.answers("web.test")] == ["team/api", "team/front"]
    world.apply(ingress("team", "api", ("web.test", path("/a)|(.*", "ImplementationSpecific")), said=said))
    assert [leads for _, _, leads in world.answers("web.test")] == ["503", "team/web"]
    assert "spec.rules[0].http.paths[0].path" in world.told(key_of("team", "api"))


def test_nobody_is_sent_away_from_anothers_name() -> None:
    said = {f"{NGINX}from-to-www-redirect": "true"}
    thief = ingress("evil", "a", ("www.bank.test", path()), said=said)
    world = World(ingress_class(), thief, service("evil"))
    assert [leads for _, _, leads in world.answers("bank.test")] == ["redirect 308"]
    world.apply(ingress("team", "bank", ("bank.test", path("/only")), created=NEW), service("team"))
    assert world.answers("bank.test") == [("/only", "team/bank", "team/web")]
    backend = path()["backend"]
    world.apply(ingress("team", "bank", ("bank.test", path("/only")), created=NEW, defaultBackend=backend))
    assert [leads for _, _, leads in world.answers("bank.test")] == ["team/web", "team/web"]
    assert world.told(key_of("team", "bank")) == ""


def test_mistakes_stop_the_path_that_has_them() -> None:
    wrong = [
        {"host": "web.test", "http": {"paths": [path("no-slash"), path("/good")]}},
        {"host": "no host", "http": {"paths": [path()]}},
    ]
    made = ingress("team", "web", rules=wrong, defaultBackend=path()["backend"])
    world = World(ingress_class(), made, service("team"))
    assert world.answers("web.test") == [("/good", "team/web", "team/web"), ("/", "team/web", "team/web")]
    told = world.told(key_of("team", "web"))
    assert "spec.rules[0].http.paths[0].path must begin with a /" in told
    assert "spec.rules[1].host must be a hostname" in told
    assert "defaultBackend" not in told


def test_a_port_that_a_listener_has_is_not_taken_from_it() -> None:
    world = World(ingress_class(), ingress("team", "web", WEB), service("team"), LISTENER)
    assert "ingress:8080" not in world.listeners
    assert "is not served at port 8080, which is taken by Listener default/http" in world.told(key_of("team", "web"))


@pytest.mark.parametrize("more", [{}, {"address": "127.0.0.1"}, {"host": "web.test"}])
def test_a_port_of_ingresses_is_taken_by_no_tcp_mapping(more: dict[str, str]) -> None:
    spec = {"port": 8080, "service": "10.0.0.1:80", **more}
    world = World(ingress_class(), ingress("team", "web", WEB), service("team"))
    said = {"apiVersion": "getambassador.io/v3alpha1", "kind": "TCPMapping", "spec": spec}
    world.apply({"getambassador.io/TCPMapping/evil/t": {**said, "metadata": {"name": "t", "namespace": "evil"}}})
    assert "ingress:8080" in world.listeners
    assert not [name for name in world.listeners if "8080" in name and name != "ingress:8080"]
    assert "8080 is the port of Ingresses" in world.told("getambassador.io/TCPMapping/evil/t")


def test_a_gateway_is_told_that_ingresses_have_the_port() -> None:
    gateway: Objects = {
        "gateway.networking.k8s.io/GatewayClass//dragoman": {
            "metadata": {"name": "dragoman"},
            "spec": {"controllerName": "getambassador.io/dragoman"},
        },
        "gateway.networking.k8s.io/Gateway/team/web": {
            "metadata": {"name": "web", "namespace": "team"},
            "spec": {
                "gatewayClassName": "dragoman",
                "listeners": [{"name": "http", "port": 8080, "protocol": "HTTP"}],
            },
        },
    }
    world = World(ingress_class(), ingress("team", "web", WEB), service("team"), gateway)
    assert world.listeners == ["ingress:8080"]
    assert "Ingresses" in world.told("gateway.networking.k8s.io/Gateway/team/web")


def test_a_change_costs_the_same_among_many() -> None:
    few, many = (_rules_run(count) for count in (5, 50))
    assert 0 < many == few


def _rules_run(count: int) -> int:
    """How many rules of Ingresses run for a changed path of one of so many."""
    ingresses = [ingress("team", f"i{number}", (f"h{number}.test", path())) for number in range(count)]
    world, ran = World(ingress_class(), service("team"), *ingresses), [0]
    for table in world.pipeline._tables._tables:
        if "ingress" in table.name and hasattr(table, "_make"):
            table._make = _counting(table._make, ran)
    world.apply(ingress("team", "i0", ("h0.test", path("/changed"))))
    return ran[0]


def _counting(make: Any, ran: list[int]) -> Any:
    def counted(*args: Any) -> Any:
        ran[0] += 1
        return make(*args)

    return counted


def test_an_ingress_that_envoy_refuses_is_held_back_alone() -> None:
    translation = Translation(Options(), {})
    good = ingress_class() | service("team") | ingress("team", "good", ("good.test", path()))
    first = translation.objects_changed(0.0, {key: orjson.dumps(body) for key, body in good.items()})
    key = "route/ingress:8080/cleartext"
    accepted = first.resources[key]
    assert accepted is not None
    translation.verdicts_changed(0.5, {key: Verdict(accepted.version, None, "")})
    changed = translation.objects_changed(
        1.0, {key: orjson.dumps(body) for key, body in ingress("team", "bad", WEB).items()}
    )
    row = changed.resources[key]
    assert row is not None
    said = translation.verdicts_changed(2.0, {key: Verdict(accepted.version, row.version, "no")})
    assert key_of("team", "bad") in said.holds
    assert b"good.test" in translation.resources()[key].body


@pytest.mark.parametrize("said", [{}, {f"{NGINX}canary": "true"}])
def test_what_an_ingress_costs_grows_with_its_size_and_no_faster(said: dict[str, str]) -> None:
    small, large = (_calls(count, said) for count in (50, 200))
    assert large < 6 * small


def _calls(count: int, said: dict[str, str]) -> int:
    """How many functions are called for a new Ingress of so many hosts, each with a certificate."""
    rules = [(f"h{number}.test", path(f"/{number}")) for number in range(count)]
    tls = [{"hosts": [f"h{number}.test"], "secretName": "cert"} for number in range(count)]
    world, calls = World(ingress_class(), service("team"), ingress("team", "first", *rules, tls=tls)), [0]

    def called(_: object, event: str, __: object) -> None:
        calls[0] += event == "call"

    sys.setprofile(called)
    try:
        world.apply(ingress("team", "second", *rules, tls=tls, said=said))
    finally:
        sys.setprofile(None)
    return calls[0]


def test_an_ingress_of_very_many_paths_is_shut_before_it_costs() -> None:
    said = {f"{NGINX}server-alias": ",".join(f"a{number}.test" for number in range(50))}
    rules = [("web.test", path(f"/{number}")) for number in range(200)]
    world = World(ingress_class(), service("team"), ingress("team", "web", *rules, said=said))
    assert {type(route.action) for route in world.routes("web.test")} == {ir.DirectResponse}
    assert len(world.routes("web.test")) < 5_000
    assert "spec would become more than 5,000 paths" in world.told(key_of("team", "web"))


LAST_RESORT: Final[Objects] = {
    "core/Secret/default/fallback-self-signed-cert": {
        "type": "kubernetes.io/tls",
        "metadata": {"name": "fallback-self-signed-cert", "namespace": "default"},
        "data": {
            "tls.crt": base64.b64encode(PAIR.certificate).decode(),
            "tls.key": base64.b64encode(PAIR.key).decode(),
        },
    }
}
PASSED: Final = {f"{NGINX}ssl-passthrough": "true"}


def in_tls(world: World, host: str) -> list[str]:
    """Who is asked by connections in TLS for a host, as Envoy chooses the chain by its longest name."""
    listed = [chain for name, chain in world.pipeline.intent.chains.view().items() if name.startswith("ingress:8443")]
    chains = {name: chain for chain in listed for name in chain.server_names or ("",)}
    stars = [f"*.{host.split('.', number)[-1]}" for number in range(1, host.count(".") + 1)]
    body = next(chains[name] for name in (host, *stars, "") if name in chains).body
    if isinstance(body, ir.TcpChain):
        return [f"passed to {_leads(ir.Forward(body.backends))}"]
    assert isinstance(body, ir.HttpChain)
    return [leads for served in body.virtual_hosts if served.hostname == host for *_, leads in world.answers(host)]


@pytest.mark.parametrize("host", ["bank.test", "a.bank.test", "a.b.bank.test"])
@pytest.mark.parametrize("thief", ["bank.test", "*.bank.test", "*.test"])
def test_nobody_has_the_tls_of_anothers_host_passed_on(host: str, thief: str) -> None:
    world = World(ingress_class(), LAST_RESORT, service("team"), service("evil"))
    world.apply(ingress("team", "bank", (host, path("/login"))))
    world.apply(ingress("evil", "a", (thief, path("/")), said=PASSED, created=NEW))
    assert in_tls(world, host)[0] == "team/web"
    told = "bank.test is that of Ingress team/bank already, which is older and of another namespace"
    assert (told in world.told(key_of("evil", "a"))) == (host == thief)


def test_tls_is_passed_on_for_a_host_of_the_own_namespace() -> None:
    world = World(ingress_class(), LAST_RESORT, service("team"), service("team", "next"))
    world.apply(ingress("team", "first", ("bank.test", path("/login"))))
    world.apply(ingress("team", "second", ("bank.test", path("/", name="next")), said=PASSED, created=NEW))
    assert in_tls(world, "bank.test") == ["passed to team/next"]


def test_a_certificate_for_a_star_does_not_hide_hosts_further_below() -> None:
    world = World(ingress_class(), LAST_RESORT, service("team"), service("evil"))
    tls = [{"hosts": ["*.test"], "secretName": "cert"}]
    world.apply(ingress("evil", "a", ("*.test", path("/")), tls=tls))
    world.apply(ingress("team", "near", ("near.test", path())), ingress("team", "far", ("far.off.test", path())))
    assert in_tls(world, "near.test") == in_tls(world, "far.off.test") == ["team/web"]


def test_of_many_mistakes_few_are_told() -> None:
    said = {f"{NGINX}server-alias": ",".join(f"~{number}" for number in range(500))}
    paths = [("web.test", path(f"/{number}", name="absent")) for number in range(500)]
    world = World(ingress_class(), ingress("team", "web", *paths, said=said))
    assert len(world.problems(key_of("team", "web"))) <= 2 * MOST + 2


@pytest.mark.parametrize("reverse", [False, True])
def test_of_default_classes_that_nobody_dates_the_first_by_name_counts(reverse: bool) -> None:
    said = {"ingressclass.kubernetes.io/is-default-class": "true"}
    classes: list[Objects] = [
        {
            f"networking.k8s.io/IngressClass//{name}": {
                "metadata": {"name": name, "annotations": said},
                "spec": {"controller": controller},
            }
        }
        for name, controller in (("a", "getambassador.io/dragoman"), ("b", "some.one/else"))
    ]
    made = ingress("team", "web", WEB)
    made[key_of("team", "web")]["spec"]["ingressClassName"] = None
    assert World(*(reversed(classes) if reverse else classes), made, service("team")).routes("web.test")


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ({f"{NGINX}auth-tls-secret": "team/ca"}, True),
        ({f"{NGINX}server-snippet": "deny all;"}, True),
        ({f"{NGINX}configuration-snippet": "deny all;"}, False),
        ({f"{NGINX}auth-url": "http://$host"}, False),
    ],
)
def test_what_nginx_demands_of_a_whole_host_shuts_all_ingresses_of_the_namespace(
    said: dict[str, str], whole: bool
) -> None:
    guarded = ingress("team", "guarded", ("web.test", path("/admin")), said=said)
    beside = ingress("team", "beside", ("web.test", path("/")), ("other.test", path("/")))
    foreign = ingress("next", "foreign", ("web.test", path("/foreign")))
    world = World(ingress_class(), guarded, beside, foreign, service("team"), service("next"))
    led = {text: leads for text, _, leads in world.answers("web.test")}
    assert led == {"/admin": "503", "/": "503" if whole else "team/web", "/foreign": "next/web"}
    assert [leads for *_, leads in world.answers("other.test")] == ["team/web"]
    assert ("web.test is shut by what Ingress team/guarded says" in world.told(key_of("team", "beside"))) == whole
    world.remove(key_of("team", "guarded"))
    assert [leads for *_, leads in world.answers("web.test")] == ["next/web", "team/web"]


@pytest.mark.parametrize(
    ("text", "target", "seen"),
    [("/", "/x/$2", "/x/"), ("/a(.*)", "/x/$1$2", r"/x/\1"), ("/a", "$1", "/"), ("/a(b)(c)", r"/\$1$2", r"/\\\1\2")],
)
def test_a_group_that_a_path_does_not_have_is_empty(text: str, target: str, seen: str) -> None:
    said = {f"{NGINX}rewrite-target": target}
    made = ingress("team", "web", ("web.test", path(text, "ImplementationSpecific")), said=said)
    [route] = World(ingress_class(), made, service("team")).routes("web.test")
    assert isinstance(route.action, ir.Forward)
    assert route.action.rewrite is not None
    assert route.action.rewrite.text == seen


def test_a_backend_that_is_no_service_stops_its_own_path() -> None:
    bucket = {"path": "/static", "pathType": "Prefix", "backend": {"resource": {"kind": "Bucket", "name": "x"}}}
    world = World(ingress_class(), ingress("team", "web", WEB, ("web.test", bucket)), service("team"))
    assert [leads for *_, leads in world.answers("web.test")] == ["nowhere", "team/web"]
    [told] = world.problems(key_of("team", "web"))
    assert told.path == "spec.rules[1].http.paths[0].backend.service"


def test_an_older_ingress_is_told_of_its_mistakes_in_its_own_words() -> None:
    made = ingress("team", "web", backend={"serviceName": "absent", "servicePort": 80})
    made[key_of("team", "web")]["apiVersion"] = "networking.k8s.io/v1beta1"
    world = World(ingress_class(), made)
    assert world.told(key_of("team", "web")) == "spec.backend.serviceName the Service team/absent does not exist"


@pytest.mark.parametrize("name", ["bank.test", "*.bank.test"])
@pytest.mark.parametrize("thief", ["", "a.bank.test"])
def test_who_names_a_host_has_its_certificate_before_older_ones_that_do_not(name: str, thief: str) -> None:
    tls = [{"hosts": [name], "secretName": "cert"}]
    world = World(ingress_class(), LAST_RESORT, ingress("evil", "a", (thief, path()), tls=tls))
    world.apply(ingress("team", "bank", (name, path()), tls=tls, created=NEW))
    chain = world.pipeline.intent.chains.view()[f"ingress:8443/{name}:tls"]
    assert chain.origins == (key_of("team", "bank"),)


def test_what_an_expression_that_is_none_may_have_meant_goes_nowhere_else() -> None:
    said = {f"{NGINX}use-regex": "true", f"{NGINX}whitelist-source-range": "10.0.0.0/8"}
    admin = ingress("team", "admin", ("web.test", path("/admin/(?!health).*", "ImplementationSpecific")), said=said)
    world = World(ingress_class(), admin, ingress("team", "web", ("web.test", path("/"))), service("team"))
    first, other = world.routes("web.test")
    assert first.match.path == ir.PathMatch("prefix", "/admin/", case_sensitive=False)
    assert (first.action, _leads(other.action)) == (ir.DirectResponse(503), "team/web")


def test_what_annotations_say_is_not_repeated_without_a_bound() -> None:
    """A hundred KiB of an Ingress became hundreds of MiB: each route says all of it."""
    said = {f"{NGINX}enable-cors": "true", f"{NGINX}cors-allow-headers": ",".join(["x-some-header"] * 4_000)}
    rules = [("web.test", path(f"/{number}")) for number in range(200)]
    few, many = ingress("team", "few", *rules[:2], said=said), ingress("team", "many", *rules[2:], said=said)
    world = World(ingress_class(), service("team"), few, many)
    assert {whose: leads for _, whose, leads in world.answers("web.test")} == {
        "team/few": "team/web",
        "team/many": "503",
    }
    assert "metadata.annotations say 56," in world.told(key_of("team", "many"))


@pytest.mark.parametrize("end", ["|", "|\\", "|]"])
def test_an_expression_is_looked_through_once(end: str) -> None:
    """A hundred thousand brackets took minutes, in which nobody was served anything new."""
    said = {f"{NGINX}use-regex": "true"}
    made = ingress("team", "web", ("web.test", path("/x" + "[" * 100_000 + end, "ImplementationSpecific")), said=said)
    [route] = World(ingress_class(), made, service("team")).routes("web.test")
    assert (route.match.path.text, _leads(route.action)) == ("/x", "503")

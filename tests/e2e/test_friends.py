"""What Argo Rollouts, Flagger and cert-manager write is served as they mean it: docs/friends."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support import plain
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.friends import CHALLENGE, SOLVER_PORT, Canary, canary_mapping, solver_ingress, solver_route
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, gateway_class, listener, route
from tests.support.ingresses import ingress, ingress_class, path, rule
from tests.support.objects import an_object, endpoint_slice, host, mapping, service, tls_secret
from tests.support.part import ROOT
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

ENOUGH = 20
API = "getambassador.io/v3alpha1"


class Friends:
    """A gateway whose red Service is what people have, and whose blue one is what other programs add."""

    def __init__(self, gateway: Gateway, client: httpx.Client, routes: int, ingresses: int) -> None:
        self.client = client
        self.gateway, self.ports = gateway, {"routes": routes, "ingresses": ingresses, "": gateway.http_port}

    def says(self, name: str, made: Any) -> None:
        """Write an object, or write it anew."""
        self.gateway.apply(name, json.dumps(made))

    def upstream(self, host: str, path: str = "/", *, by: str = "", **headers: str) -> str:
        """Who answers; where nobody does, the status. `by`: whose port is asked, a Listener's unless said otherwise."""
        try:
            answer = self.ask(host, path, by=by, **headers)
        except httpx.TransportError:
            return "a port that is not open yet"
        return str(answer.json()["upstream"]) if answer.status_code == 200 else str(answer.status_code)

    def ask(self, host: str, path: str = "/", *, by: str = "", **headers: str) -> httpx.Response:
        """One answer; redirects are not followed, and no cookie is kept."""
        self.client.cookies.clear()
        return self.client.get(f"http://127.0.0.1:{self.ports[by]}{path}", headers={"host": host, **headers})

    def becomes(self, wanted: set[str], host: str, path: str = "/", **more: Any) -> None:
        """Wait until these answer, and nobody else does."""
        wait_until(
            lambda: {self.upstream(host, path, **more) for _ in range(ENOUGH)} == wanted,
            60,
            what=lambda: f"{wanted} for {host}{path}; what is told: {self.told()}",
        )

    def told(self) -> dict[str, Any]:
        """What is told of objects."""
        return {key: row["problems"] for key, row in self.gateway.diag()["objects"].items() if row["problems"]}

    def problems(self, key: str) -> list[str]:
        """What is told of an object."""
        return [each["message"] for each in self.gateway.diag()["objects"][key]["problems"]]


def solver(name: str, port: int) -> str:
    """The Service of a solver, and its pod."""
    where = {"addresses": ["127.0.0.1"], "conditions": {"ready": True}}
    return service(name, {"http": SOLVER_PORT}) + endpoint_slice(f"{name}-0", name, {"http": port}, where)


@pytest.fixture(scope="module")
def friends(red: HttpUpstream, blue: HttpUpstream) -> Iterator[Friends]:
    routes, ingresses, secured = unused_ports(3)
    made = Gateway(environ={"DRAGOMAN_INGRESS_PORTS": f"{ingresses},{secured}"})
    pair = authority().sign("*.secure.test")
    people = backing("stable", red.port) + backing("canary", blue.port) + solver("solver", blue.port)
    people += backing("app-primary", red.port) + backing("app-canary", blue.port)
    people += gateway_class() + api_gateway("web", listener("http", routes)) + ingress_class()
    people += tls_secret("pair", pair.certificate, pair.key)
    made.apply("people", people)
    with made, plain.Client(trust_env=False) as client:
        yield Friends(made, client, routes, ingresses)


@pytest.mark.parametrize("version", ["v3alpha1", "v2"])
def test_a_rollout_by_ambassador_is_served_by_its_weights(friends: Friends, version: str) -> None:
    name = f"rollout-{version}.test"
    friends.gateway.apply(f"host-{version}", host(f"rollout-{version}", name))
    spec = {"prefix": "/", "service": "stable:80", ("host" if version == "v2" else "hostname"): name}
    base = {
        "apiVersion": f"getambassador.io/{version}",
        "kind": "Mapping",
        "metadata": {"name": f"rollout-{version}", "namespace": "default", "labels": {"team": "a"}},
        "spec": spec,
    }
    friends.says(f"base-{version}", base)
    friends.becomes({"red"}, name)
    for weight, wanted in ((20, {"red", "blue"}), (70, {"red", "blue"}), (100, {"blue"}), (0, {"red"})):
        friends.says(f"canary-{version}", canary_mapping(base, "stable", "canary", weight))
        friends.becomes(wanted, name)
    friends.gateway.remove(f"canary-{version}")
    friends.becomes({"red"}, name)


def test_a_host_that_chooses_mappings_by_labels_does_not_choose_the_copy_of_one(friends: Friends) -> None:
    name = "chosen.test"
    friends.gateway.apply("chosen", host("chosen", name, mappingSelector={"matchLabels": {"team": "a"}}))
    base = {
        "apiVersion": API,
        "kind": "Mapping",
        "metadata": {"name": "chosen", "namespace": "default", "labels": {"team": "a"}},
        "spec": {"prefix": "/", "service": "stable:80"},
    }
    friends.says("chosen-base", base)
    friends.becomes({"red"}, name)
    friends.says("chosen-canary", canary_mapping(base, "stable", "canary", 100))
    key = "getambassador.io/Mapping/default/chosen-canary"
    wait_until(lambda: key in friends.gateway.diag()["objects"], what="the copy")
    friends.becomes({"red"}, name)


def test_challenges_by_an_ingress_are_answered_in_clear_text_beside_a_host_that_redirects(friends: Friends) -> None:
    name = "emissary.secure.test"
    friends.gateway.apply(
        "emissary",
        host("emissary", name, insecure="Redirect", tlsSecret={"name": "pair"}) + mapping("emissary", name, "stable"),
    )
    friends.becomes({"301"}, name)
    friends.says("emissary-solver", solver_ingress(name, "by-annotation", "solver", class_annotation="ambassador"))
    friends.becomes({"blue"}, name, CHALLENGE + "by-annotation")
    assert friends.ask(name, CHALLENGE + "by-annotation").json()["path"] == CHALLENGE + "by-annotation"
    friends.becomes({"301"}, name, CHALLENGE + "other")
    friends.becomes({"301"}, name)
    asks_with_the_port = f"{name}:{friends.gateway.http_port}"
    friends.becomes({"404"}, asks_with_the_port, CHALLENGE + "by-annotation")
    taken_off = an_object("Module", "ambassador", {"config": {"strip_matching_host_port": True}})
    with friends.gateway.applied("emissary-module", taken_off):
        friends.becomes({"blue"}, asks_with_the_port, CHALLENGE + "by-annotation")
    friends.gateway.remove("emissary-solver")
    friends.becomes({"301"}, name, CHALLENGE + "by-annotation")


def test_challenges_by_an_ingress_are_answered_in_clear_text_beside_one_with_tls(friends: Friends) -> None:
    name = "kubernetes.secure.test"
    tls = [{"hosts": [name], "secretName": "pair"}]
    friends.gateway.apply("kubernetes", ingress("kubernetes", rule(name, path("/", "stable", port=80)), tls=tls))
    friends.becomes({"308"}, name, by="ingresses")
    friends.says("kubernetes-solver", solver_ingress(name, "by-class", "solver", class_name="dragoman"))
    friends.becomes({"blue"}, name, CHALLENGE + "by-class", by="ingresses")
    assert friends.ask(name, CHALLENGE + "by-class", by="ingresses").json()["path"] == CHALLENGE + "by-class"
    friends.becomes({"blue"}, f"{name}:80", CHALLENGE + "by-class", by="ingresses")
    friends.becomes({"308"}, name, by="ingresses")
    assert friends.problems("networking.k8s.io/Ingress/default/cm-acme-http-solver-by-class") == []
    friends.gateway.remove("kubernetes-solver")
    friends.becomes({"308"}, name, CHALLENGE + "by-class", by="ingresses")


@pytest.mark.parametrize("of_the_issuer", [True, False], ids=["the issuer's listener", "an annotated Gateway"])
def test_challenges_by_a_route_are_answered_beside_one_that_redirects(friends: Friends, of_the_issuer: bool) -> None:
    """The certificates that a Gateway's annotation asks for come by the whole Gateway."""
    name = f"{of_the_issuer}.routed.test".lower()
    parent = {"name": "web", **({"sectionName": "http"} if of_the_issuer else {"namespace": "default"})}
    to_https = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
    friends.gateway.apply("routed", route("routed", "web", to_https, hostnames=[name]))
    friends.becomes({"301"}, name, by="routes")
    friends.says("routed-solver", solver_route(name, "by-route", "solver", [parent]))
    friends.becomes({"blue"}, name, CHALLENGE + "by-route", by="routes")
    assert friends.ask(name, CHALLENGE + "by-route", by="routes").json()["path"] == CHALLENGE + "by-route"
    friends.becomes({"blue"}, f"{name}:80", CHALLENGE + "by-route", by="routes")
    friends.becomes({"301"}, name, by="routes")


def test_challenges_by_a_mapping_of_ones_own_are_answered(friends: Friends) -> None:
    """Of whatever token: for who makes a Service of all solvers' pods."""
    name = "mapped.secure.test"
    friends.gateway.apply(
        "mapped",
        host("mapped", name, insecure="Redirect", tlsSecret={"name": "pair"})
        + mapping("mapped", name, "stable")
        + mapping("mapped-challenges", name, f"solver:{SOLVER_PORT}", CHALLENGE, rewrite=""),
    )
    friends.becomes({"blue"}, name, CHALLENGE + "any")
    friends.becomes({"301"}, name)


def test_a_canary_of_flagger_has_weights_copies_headers_and_sessions(friends: Friends, blue: HttpUpstream) -> None:
    name, parents = "app.test", [{"name": "web"}]
    canary = Canary("app", name, parents)
    for primary, wanted in ((100, {"red"}), (50, {"red", "blue"}), (0, {"blue"}), (100, {"red"})):
        friends.says("app", canary.weighted(primary, 100 - primary))
        friends.becomes(wanted, name, by="routes")

    friends.says("app", canary.mirrored())
    wait_until(lambda: friends.upstream(name, "/copied", by="routes") == "red" and _has(blue, "/copied"), 60)

    friends.says("app", canary.by_header("x-canary", "yes", "15s"))
    friends.becomes({"blue"}, name, by="routes", **{"x-canary": "yes"})
    friends.becomes({"red"}, name, by="routes")

    friends.says("app", canary.sticky(50, 50, "flagger=abc"))
    friends.becomes({"blue"}, name, by="routes", cookie="flagger=abc")
    friends.becomes({"red", "blue"}, name, by="routes")
    given = {_cookie(friends, name) for _ in range(ENOUGH)}
    assert given == {("red", None), ("blue", "flagger=abc; Max-Age=86400")}
    metrics = plain.get(f"http://127.0.0.1:{friends.gateway.diagnostics_port}/metrics", trust_env=False).text
    for page in ("argo-rollouts", "flagger"):
        assert 'envoy_cluster_name=~"k8s/' in (ROOT / f"docs/friends/{page}.md").read_text()
    for canary_service in ("canary", "app-canary"):
        asked = re.escape(f'{{envoy_response_code_class="2",envoy_cluster_name="k8s/default/{canary_service}/80"}}')
        assert re.search(rf"^envoy_cluster_upstream_rq_xx{asked} [1-9]", metrics, re.MULTILINE), canary_service


def _has(upstream: HttpUpstream, path: str) -> bool:
    return any(each["path"] == path for each in upstream.seen)


def _cookie(friends: Friends, host: str) -> tuple[str, str | None]:
    answer = friends.ask(host, by="routes")
    return answer.json()["upstream"], answer.headers.get("set-cookie")

"""What an Ingress becomes, whose it is, and what is told on it."""

from typing import Any

import orjson
import pytest

from translator.offline import Result, translate
from translator.options import Options
from translator.quarantine import Verdict
from translator.translation import Translation

KEY = "networking.k8s.io/Ingress/team/web"
LISTENER = {
    "getambassador.io/Listener/default/http": {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Listener",
        "metadata": {"name": "http", "namespace": "default"},
        "spec": {
            "port": 8080,
            "protocol": "HTTP",
            "securityModel": "XFP",
            "hostBinding": {"namespace": {"from": "ALL"}},
        },
    }
}
OURS = {"kubernetes.io/ingress.class": "Ambassador"}


def backend(name: str = "10.0.0.1", port: object = 80) -> dict[str, Any]:
    return {"service": {"name": name, "port": {"name": port} if isinstance(port, str) else {"number": port}}}


def ingress(annotations: dict[str, str] = OURS, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "team", "labels": {"own": "label"}, "annotations": annotations}
    return {KEY: {"metadata": metadata, "spec": spec}}


def ingress_class(controller: str = "getambassador.io/ingress-controller", **annotations: str) -> dict[str, Any]:
    metadata = {"name": "edge", "annotations": annotations}
    return {"networking.k8s.io/IngressClass//edge": {"metadata": metadata, "spec": {"controller": controller}}}


def service(**ports: int) -> dict[str, Any]:
    spec = {"ports": [{"name": name, "port": number} for name, number in ports.items()]}
    return {"core/Service/team/one": {"metadata": {"name": "one", "namespace": "team"}, "spec": spec}}


def result(*objects: dict[str, Any], **options: Any) -> Result:
    bodies = {key: orjson.dumps(body) for each in (LISTENER, *objects) for key, body in each.items()}
    found = translate(bodies, Options(**options))
    assert found.failures == ()
    return found


def routes(found: Result) -> list[str]:
    text = b"".join(row.body for key, row in found.resources.items() if key.startswith("route/"))
    return [name for name in ("default-backend", "0-0", "0-1", "1-0") if f"team/web/{name}".encode() in text]


def rule(host: str | None = None, *paths: dict[str, Any]) -> dict[str, Any]:
    return {**({"host": host} if host else {}), "http": {"paths": list(paths) or [path()]}}


def path(text: str = "/", kind: str = "Prefix", **of: Any) -> dict[str, Any]:
    return {"path": text, "pathType": kind, "backend": backend(**of)}


@pytest.mark.parametrize(
    ("annotations", "name", "classes", "ours"),
    [
        (OURS, None, {}, True),
        ({"kubernetes.io/ingress.class": "nginx"}, None, {}, False),
        ({}, None, {}, False),
        ({}, "edge", ingress_class(), True),
        ({}, "edge", ingress_class("k8s.io/nginx"), False),
        ({}, "other", ingress_class(), False),
        ({**OURS, "getambassador.io/ambassador-id": "other"}, None, {}, False),
        ({}, "edge", ingress_class(**{"getambassador.io/ambassador-id": "other"}), False),
    ],
)
def test_whose_an_ingress_is(
    annotations: dict[str, str], name: str | None, classes: dict[str, Any], ours: bool
) -> None:
    made = ingress(annotations, ingressClassName=name, defaultBackend=backend())
    assert routes(result(made, classes)) == (["default-backend"] if ours else [])


def test_the_id_of_the_process_is_that_of_the_annotation() -> None:
    made = ingress({**OURS, "getambassador.io/ambassador-id": "edge"}, defaultBackend=backend())
    listener = {key: {**body, "spec": {**body["spec"], "ambassador_id": ["edge"]}} for key, body in LISTENER.items()}
    assert routes(result(made, listener, ambassador_id="edge")) == ["default-backend"]


def test_every_path_is_a_route() -> None:
    made = ingress(defaultBackend=backend(), rules=[rule("a.test", path("/a"), path("/b", "Exact")), rule("*.w.test")])
    found = result(made)
    assert routes(found) == ["default-backend", "0-0", "0-1", "1-0"]
    assert found.statuses[KEY].problems == ()


def test_a_port_by_name_is_that_of_the_service_and_follows_it() -> None:
    made = ingress(rules=[rule(None, path(name="one", port="http"))])
    found = result(made, service(http=8123), service_namespaces=None)
    assert "cluster/k8s/team/one/8123" in found.resources
    found = result(made, service(grpc=8123), service_namespaces=None)
    assert routes(found) == []
    (told,) = found.statuses[KEY].problems
    assert told.path == "spec.rules[0].http.paths[0].backend.service.port.name"
    assert told.message == "http is no port of the Service team/one"


def test_a_host_with_a_secret_is_a_host_for_its_own_ingress() -> None:
    made = ingress(tls=[{"hosts": ["a.test"], "secretName": "absent"}], rules=[rule("a.test")])
    found = result(made)
    route, tls = found.statuses[KEY].problems
    assert route.path == "spec.rules[0].http.paths[0]"
    assert "see Ingress team/web (spec.tls[0].hosts[0]), which is stopped" in route.message
    assert tls.path == "spec.tls[0].hosts[0]"
    assert tls.message.startswith("tlsSecret names the Secret team/absent, which does not exist")


@pytest.mark.parametrize(
    ("spec", "path_of_it"),
    [
        ({"rules": 5}, "spec.rules"),
        ({"rules": [{"http": {"paths": [{"backend": {}}]}}]}, "spec.rules[0].http.paths[0].backend.service"),
        ({"rules": [rule(None, path("no slash?"))]}, "spec.rules[0].http.paths[0]"),
        ({"tls": [{"hosts": ["a.test"]}]}, "spec.tls[0].secretName"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(spec: dict[str, Any], path_of_it: str) -> None:
    found = result(ingress(**spec))
    assert path_of_it in [told.path for told in found.statuses[KEY].problems]


def test_an_ingress_that_envoy_refuses_is_held_back_alone() -> None:
    translation = Translation(Options(), {})
    bodies = {key: orjson.dumps(body) for key, body in LISTENER.items()}
    translation.objects_changed(0.0, bodies)
    changed = translation.objects_changed(1.0, {KEY: orjson.dumps(ingress(defaultBackend=backend())[KEY])})
    (key,) = [key for key in changed.resources if key.startswith("route/")]
    row = changed.resources[key]
    assert row is not None
    said = translation.verdicts_changed(2.0, {key: Verdict(None, row.version, "no")})
    assert KEY in said.holds


def test_an_ingress_that_is_gone_leaves_nothing() -> None:
    translation = Translation(Options(), {})
    translation.objects_changed(0.0, {key: orjson.dumps(body) for key, body in LISTENER.items()})
    before = translation.resources()
    translation.objects_changed(1.0, {KEY: orjson.dumps(ingress(defaultBackend=backend())[KEY])})
    assert translation.resources() != before
    translation.objects_changed(2.0, {KEY: None})
    assert translation.resources() == before

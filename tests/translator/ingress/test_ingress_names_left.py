"""The hosts of an Ingress that cannot be read are answered by no other one, whatever is wrong with it."""

import copy
from typing import Any

import orjson
import pytest

from translator import ir
from translator.ingress.claims import MOST_PATHS
from translator.options import Options
from translator.pipeline import Pipeline

HOST = "sec.star.test"
KEY = "networking.k8s.io/Ingress/default/sec"
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
PATH = {"path": "/", "pathType": "Prefix", "backend": BACKEND}
RULE = {"host": HOST, "http": {"paths": [PATH]}}
TLS = [{"hosts": [HOST], "secretName": "cert"}]


def named(name: str, controller: str) -> tuple[str, dict[str, Any]]:
    return f"networking.k8s.io/IngressClass//{name}", {"metadata": {"name": name}, "spec": {"controller": controller}}


def an_ingress(name: str, of: str, *rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "creationTimestamp": f"20{len(name):02}-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {"ingressClassName": of, "rules": list(rules), **spec}}


def world(body: dict[str, Any]) -> Pipeline:
    """An Ingress for all below a star and for every host, and the one that is wrong."""
    wide = {**RULE, "host": "*.star.test"}, {"http": {"paths": [PATH]}}
    every = {"apiVersion": "getambassador.io/v3alpha1", "metadata": {"name": "all", "namespace": "default"}}
    objects = dict([named("edge", "getambassador.io/dragoman"), named("old", "getambassador.io/ingress-controller")])
    objects["networking.k8s.io/Ingress/default/wide"] = an_ingress("wide", "edge", *wide)
    objects["getambassador.io/Host/default/all"] = {**every, "spec": {"hostname": "*"}}
    objects[KEY] = body
    made = Pipeline(Options())
    assert made.apply({key: orjson.dumps(each) for key, each in objects.items()}).failures == ()
    return made


def put(path: str, value: Any) -> dict[str, Any]:
    """The Ingress with something else in a place."""
    body = copy.deepcopy(an_ingress("second", "edge", RULE, tls=TLS))
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    inner: Any = body
    for step in way:
        inner = inner[step]
    if isinstance(inner, list) and last == len(inner):
        inner.append(value)
    else:
        inner[last] = value
    return body


WRONG: list[tuple[str, Any]] = [
    ("spec/rules/1", 5),
    ("spec/rules", RULE),
    ("spec/rules/0/host", [HOST]),
    ("spec/rules/0/host", f"{HOST}:80"),
    ("spec/rules/0/host", f"{HOST}."),
    ("spec/rules/0/host", f"https://{HOST}/"),
    ("spec/rules/0/http", 5),
    ("spec/rules/0/http/paths", 5),
    ("spec/rules/0/http/paths/0/backend", 5),
    ("spec/rules/0/http/paths/0/pathType", "Odd"),
    ("spec/tls", 5),
    ("spec/tls/0/hosts", HOST),
    ("spec/defaultBackend", 5),
    ("spec/ingressClassName", ["edge"]),
    ("metadata/annotations", {"a": 5}),
    ("metadata/annotations", []),
    ("metadata/labels", {"a": 5}),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_nobody_else_answers_for_its_host(path: str, value: Any) -> None:
    made = world(put(path, value))
    for scheme in ("http", "https"):
        name = f"Ingress/default/second@{HOST}/{scheme}"
        found = made.intent.routes.view().get(name.replace("second", "sec")) or ()
        assert found, "it has routes of its own"
        assert {each.action.status for each in found if isinstance(each.action, ir.DirectResponse)} <= {503}
        assert all(not isinstance(each.action, ir.Forward) for each in found)
    problems = made.problems([KEY])[KEY]
    assert any(problem.stops for problem in problems)
    assert len(problems) < 5


def test_one_that_is_emissarys_keeps_its_names_as_a_host_does() -> None:
    made = world(an_ingress("second", "old", RULE, 5, tls=TLS))  # type: ignore[arg-type]
    told = {problem.path: problem.message for problem in made.problems([KEY])[KEY]}
    said = "cannot be read: its Ingress says why; only what it names is known, and nobody answers there"
    assert told["spec.tls[0].hosts[0]"] == said
    assert told["spec.rules[1]"] == "must be a mapping, not an integer: 5"


def test_who_cannot_be_read_says_by_an_annotation_whose_it_is() -> None:
    body = put("metadata/annotations", {"kubernetes.io/ingress.class": "edge", "a": 5})
    del body["spec"]["ingressClassName"]
    assert made_routes(world(body))
    assert not made_routes(world({**body, "metadata": {**body["metadata"], "annotations": {"a": 5}}}))


def made_routes(made: Pipeline) -> list[str]:
    return [name for name in made.intent.routes.view() if name.startswith("Ingress/default/sec@")]


def test_one_of_too_many_paths_is_shut_and_not_left_to_others() -> None:
    paths = [{**PATH, "path": f"/{number}"} for number in range(MOST_PATHS)]
    made = world(an_ingress("second", "edge", {"host": HOST, "http": {"paths": [PATH, *paths]}}))
    found = made.intent.routes.view()[f"Ingress/default/sec@{HOST}/http"]
    assert len(found) >= MOST_PATHS
    assert {type(each.action) for each in found} == {ir.DirectResponse}


@pytest.mark.parametrize("more", [{}, {"defaultBackend": BACKEND}], ids=["rules", "default"])
def test_the_hosts_behind_too_many_paths_are_shut_as_a_whole(more: dict[str, Any]) -> None:
    names = [*(f"n{number}.many.test" for number in range(MOST_PATHS + 500)), "odd.many.test:80"]
    body = an_ingress("second", "edge", *({**RULE, "host": name} for name in names), **more)
    body["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/server-alias": "alias.many.test"}
    made = world(body)
    for host in ("n0", "n4999", "n5000", "n5499", "odd", "alias"):
        for scheme in ("http", "https"):
            found = made.intent.routes.view()[f"Ingress/default/sec@{host}.many.test/{scheme}"]
            assert {type(each.action) for each in found} == {ir.DirectResponse}
            assert any(each.match.path.text == "/" for each in found)
    (told,) = [each.message for each in made.problems([KEY])[KEY] if each.path == "spec"]
    assert "until then the first of them are answered 503, and so are the hosts of the others" in told
    assert ("more hosts" in told) == bool(more), "the first have no more than their paths, which are shut"


def test_paths_for_every_host_that_are_too_many_shut_nobody_elses() -> None:
    paths = [{**PATH, "path": f"/{number}"} for number in range(MOST_PATHS + 1)]
    made = world(an_ingress("second", "edge", {"http": {"paths": paths}}))
    found = made.intent.routes.view()["Ingress/default/sec@*/http"]
    assert len(found) == MOST_PATHS


def test_hosts_behind_those_that_can_be_shut_are_told() -> None:
    names = [f"n{number}.many.test" for number in range(2 * MOST_PATHS + 3)]
    made = world(an_ingress("second", "edge", *({**RULE, "host": name} for name in names)))
    hosts = {name.partition("@")[2].partition("/")[0] for name in made_routes(made)}
    assert hosts == set(names[: 2 * MOST_PATHS])
    (told,) = [each.message for each in made.problems([KEY])[KEY] if each.path == "spec"]
    assert told.endswith("; but others may answer for 3 more hosts, from n10000.many.test on")


def test_an_ingress_has_so_many_names_in_tls_at_most() -> None:
    names = [f"n{number}.many.test" for number in range(MOST_PATHS + 1)]
    body = an_ingress("second", "edge", {"http": {"paths": [PATH]}}, tls=[{"hosts": names, "secretName": "cert"}])
    made = world(body)
    assert sum(".many.test" in name for name in made.intent.chains.view()) <= MOST_PATHS
    assert any(each.path == "spec.tls" for each in made.problems([KEY])[KEY])

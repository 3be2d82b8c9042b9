"""What is said in a folder of an Ingress that is of no class of ours, and not in a cluster."""

from typing import Any

import orjson
import pytest

from translator.decode import Problem
from translator.options import Options
from translator.pipeline import Pipeline

KEY = "networking.k8s.io/Ingress/default/shop"
STANDARD = "getambassador.io/dragoman"
DEFAULT = "ingressclass.kubernetes.io/is-default-class"
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
RULES = [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}]

ID = "getambassador.io/ambassador-id"
BY_ANNOTATION = "kubernetes.io/ingress.class"


def ingress_class(name: str, controller: str = STANDARD, **annotations: str) -> dict[str, bytes]:
    metadata = {"name": name, "annotations": {key.replace("__", "/"): text for key, text in annotations.items()}}
    body = {"metadata": metadata, "spec": {"controller": controller}}
    return {f"networking.k8s.io/IngressClass/default/{name}": orjson.dumps(body)}


def told(
    *classes: dict[str, bytes], annotations: dict[str, str] | None = None, options: Options | None = None, **spec: Any
) -> list[Problem]:
    metadata = {"name": "shop", "namespace": "default", "annotations": annotations or {}}
    body = {"metadata": metadata, "spec": {"rules": RULES, **spec}}
    pipeline = Pipeline(options or Options())
    objects = {KEY: orjson.dumps(body)}
    for each in classes:
        objects |= each
    assert pipeline.apply(dict(objects)).failures == ()
    return [each for each in pipeline.problems([KEY])[KEY] if each.sort in {"Classless", "Others"}]


def test_a_class_that_is_not_there_is_told_with_the_one_that_was_meant() -> None:
    (found,) = told(ingress_class("edge"), ingressClassName="egde")
    assert (found.path, found.stops, found.notice) == ("spec.ingressClassName", False, False)
    assert found.message == (
        "names the IngressClass egde, which does not exist, so that nothing of this Ingress is served; "
        "did you mean edge?"
    )


def test_where_there_is_no_class_it_is_told_how_to_write_one() -> None:
    (found,) = told(ingressClassName="edge")
    assert found.message.endswith(f": add an IngressClass with the controller {STANDARD}")


def test_a_class_in_an_annotation_is_told_there() -> None:
    (found,) = told(ingress_class("edge"), annotations={BY_ANNOTATION: "egde"})
    assert found.path == f'metadata.annotations["{BY_ANNOTATION}"]'


def test_no_class_and_no_default_one_is_told() -> None:
    (found,) = told(ingress_class("edge"))
    assert found.message == (
        f'is absent, and no IngressClass has the annotation {DEFAULT}: "true", '
        "so that nothing of this Ingress is served: there is edge"
    )
    assert told({**ingress_class("edge", **{DEFAULT: "true"})}) == []


def test_a_class_of_another_controller_is_told() -> None:
    (found,) = told(ingress_class("other", "example.com/other"), ingressClassName="other")
    assert found.message.startswith("names other, which is of another controller, example.com/other,")
    (found,) = told(ingress_class("other", "example.com/other", **{DEFAULT: "true"}))
    assert found.message.startswith(
        "is absent, and the default one, other, is of another controller, example.com/other,"
    )


def test_a_class_of_ingress_nginx_is_told_how_to_take_it_over() -> None:
    (found,) = told(ingress_class("nginx", "k8s.io/ingress-nginx"), ingressClassName="nginx")
    assert found.message.endswith('with the annotation getambassador.io/take-over: "true" it would be ours')
    taken = ingress_class("nginx", "k8s.io/ingress-nginx", **{"getambassador.io/take-over": "true"})
    assert told(taken, ingressClassName="nginx") == []


def test_a_class_of_emissarys_is_named_in_the_spec_alone() -> None:
    emissary = ingress_class("old", "getambassador.io/ingress-controller")
    (found,) = told(emissary, annotations={BY_ANNOTATION: "old"})
    assert found.message.endswith(": write it in spec.ingressClassName")
    assert told(emissary, ingressClassName="old") == []


@pytest.mark.parametrize(("ids", "path"), [({ID: "blue"}, f'metadata.annotations["{ID}"]'), ({}, "")])
def test_another_gateway_is_a_notice(ids: dict[str, str], path: str) -> None:
    of_class = {} if ids else {ID: "blue"}
    (found,) = told(ingress_class("edge", **of_class), annotations=ids, ingressClassName="edge")
    assert (found.path, found.notice) == (path or "spec.ingressClassName", True)
    assert "blue" in found.message
    assert "AMBASSADOR_ID is default" in found.message


def test_what_asks_for_nothing_is_told_nothing() -> None:
    assert told(rules=[]) == []


def test_in_a_cluster_it_is_another_controllers_affair() -> None:
    assert told(options=Options(in_cluster=True), ingressClassName="nosuch") == []
    assert told(options=Options(in_cluster=True)) == []

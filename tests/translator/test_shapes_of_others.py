"""Kinds of which little is read are told with field and reason, too, when they have a wrong shape."""

from typing import Any

import orjson
import pytest

from translator.options import Options
from translator.translation import Translation

OURS = {"controllerName": "getambassador.io/dragoman", "controller": "getambassador.io/dragoman"}
KEYS = {
    "Namespace": "core/Namespace//a",
    "IngressClass": "networking.k8s.io/IngressClass//a",
    "GatewayClass": "gateway.networking.k8s.io/GatewayClass//a",
}
LABELS = "must be a mapping, not an integer: 5"


@pytest.mark.parametrize(
    ("kind", "fields", "path", "message"),
    [
        ("Namespace", {"metadata": {"labels": 5}}, "metadata.labels", LABELS),
        ("Namespace", {"metadata": {"labels": {"a": 5}}}, "metadata.labels.a", "must be a string, not an integer: 5"),
        ("IngressClass", {"metadata": {"annotations": 5}, "spec": OURS}, "metadata.annotations", LABELS),
        ("IngressClass", {"spec": ["x"]}, "spec", "must be a mapping, not a list"),
        ("IngressClass", {"spec": {"controller": 5}}, "spec.controller", "must be a string, not an integer: 5"),
        ("GatewayClass", {"metadata": {"labels": 5}, "spec": OURS}, "metadata.labels", LABELS),
        ("GatewayClass", {"spec": {**OURS, "parametersRef": 5}}, "spec.parametersRef", LABELS),
    ],
)
def test_they_are_told(kind: str, fields: dict[str, Any], path: str, message: str) -> None:
    translation = Translation(Options(), {})
    body = {"kind": kind, "metadata": {"name": "a"}, **fields}
    publication = translation.objects_changed(0.0, {KEYS[kind]: orjson.dumps(body)})
    assert publication.failures == []
    status = publication.statuses[KEYS[kind]]
    assert status is not None
    assert {each.path: each.message for each in status.problems} == {path: message}
    if kind == "GatewayClass":
        assert status.gateway is not None
        assert message in str(orjson.loads(status.gateway))

"""Ingresses from before v1: the same in the shape of v1, and problems in the words that they were written in."""

from typing import Any

import orjson
import pytest

from translator.ingress.older import VERSIONS, as_written, current
from translator.offline import translate
from translator.options import Options


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"serviceName": "a", "servicePort": 80}, {"service": {"name": "a", "port": {"number": 80}}}),
        ({"serviceName": "a", "servicePort": "80"}, {"service": {"name": "a", "port": {"number": 80}}}),
        ({"serviceName": "a", "servicePort": "http"}, {"service": {"name": "a", "port": {"name": "http"}}}),
        ({"serviceName": "a"}, {"service": {"name": "a", "port": None}}),
        ({"resource": {"kind": "Bucket"}}, {"resource": {"kind": "Bucket"}}),
        ({"serviceName": "a", "servicePort": "9" * 5000}, {"service": {"name": "a", "port": {"name": "9" * 5000}}}),
        (5, 5),
    ],
)
def test_a_backend_in_the_shape_of_v1(written: Any, meant: Any) -> None:
    spec = {"backend": written, "rules": [{"host": "a.test", "http": {"paths": [{"path": "/", "backend": written}]}}]}
    found = current({"apiVersion": "extensions/v1beta1", "spec": spec})["spec"]
    assert found["defaultBackend"] == found["rules"][0]["http"]["paths"][0]["backend"] == meant
    assert found["rules"][0]["host"] == "a.test"
    assert "backend" not in found


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("spec.defaultBackend.service.name", "spec.backend.serviceName"),
        ("spec.defaultBackend", "spec.backend"),
        ("spec.rules[0].http.paths[1].backend.service", "spec.rules[0].http.paths[1].backend.serviceName"),
        ("spec.rules[0].http.paths[1].backend.service.port.name", "spec.rules[0].http.paths[1].backend.servicePort"),
        ("spec.rules[0].http.paths[1].backend.service.port", "spec.rules[0].http.paths[1].backend.servicePort"),
        ("spec.tls[0].hosts", "spec.tls[0].hosts"),
    ],
)
def test_a_path_as_it_was_written(path: str, written: str) -> None:
    assert as_written(path) == written


@pytest.mark.parametrize("version", sorted(VERSIONS))
@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"backend": {"serviceName": "a"}}, "spec.backend.servicePort"),
        ({"backend": {}}, "spec.backend.serviceName"),
        ({"rules": [{"http": {"paths": [{"path": "/"}]}}]}, "spec.rules[0].http.paths[0].backend"),
        (
            {"rules": [{"http": {"paths": [{"backend": {"serviceName": "a", "servicePort": 0}}]}}]},
            "backend.servicePort",
        ),
    ],
)
def test_a_mistake_is_told_where_it_was_written(version: str, spec: dict[str, Any], where: str) -> None:
    metadata = {"name": "a", "namespace": "default", "annotations": {"kubernetes.io/ingress.class": "ambassador"}}
    key = "networking.k8s.io/Ingress/default/a"
    body = orjson.dumps({"apiVersion": version, "kind": "Ingress", "metadata": metadata, "spec": spec})
    (told,) = translate({key: body}, Options()).statuses[key].problems
    assert told.path.endswith(where)


def test_an_ingress_of_v1_is_not_read_so() -> None:
    metadata = {"name": "a", "namespace": "default", "annotations": {"kubernetes.io/ingress.class": "ambassador"}}
    spec = {"rules": [{"http": {"paths": [{"backend": {"serviceName": "a", "servicePort": 80}}]}}]}
    key = "networking.k8s.io/Ingress/default/a"
    body = orjson.dumps({"apiVersion": "networking.k8s.io/v1", "metadata": metadata, "spec": spec})
    (told,) = translate({key: body}, Options()).statuses[key].problems
    assert told.path == "spec.rules[0].http.paths[0].backend.service"

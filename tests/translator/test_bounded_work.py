"""The work for one object is at most linear in its size, whatever grows in it, and nothing of it stays when it is gone.

What can grow is taken from the schemas of the kinds, so that a new field is tried without anybody remembering it. Time
is the CPU's, as a ratio between two sizes: linear is 4, quadratic 16.
"""

import base64
import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from crds.kinds import SERVED
from tests.fuzz.worlds import good_world, key_of, originals
from translator.conditions import kubernetes_status
from translator.decode import schema_of
from translator.options import Options
from translator.statuses import Status
from translator.translation import Translation

SMALL = 50_000
LARGE = 4 * SMALL
MOST_RATIO = 9
FREE = 0.03
"""Seconds of CPU that nobody asks about: below, a ratio says nothing."""

MOST_MEMORY = 100
"""Bytes at once for a byte of the object: a problem with a sentence for each of some bytes."""

MOST_KEPT = 40_000_000
"""Bytes that may stay when all the objects are gone: what is remembered of texts that come again, by every function."""

TEXTS = ("a", "a.", "a/../", "%REQ(a)%", "(", "\\1", "a,", "é")

ITEM = "[]"
USERS = (
    *originals(),
    {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Host",
        "metadata": {"name": "user", "namespace": "team"},
        "spec": {"hostname": "user.team.test", "tlsSecret": {"name": "grown"}, "tlsContext": {"name": "grown"}},
    },
    {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "metadata": {"name": "user", "namespace": "team"},
        "spec": {"hostname": "user.team.test", "prefix": "/", "service": "grown"},
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "grown", "namespace": "team"},
        "spec": {"ports": [{"port": 80}]},
    },
)
"""Who makes the translator look at what grows."""

Grown = Callable[[int], dict[str, Any]]


@dataclass(frozen=True)
class Growth:
    """An object of a kind in which one thing is as large as one likes."""

    kind: str
    path: str
    what: str
    make: Grown

    def __str__(self) -> str:
        return f"{self.kind} {self.path or 'spec'}: {self.what}"

    def object(self, size: int) -> tuple[str, bytes]:
        """The object, of about so many bytes."""
        document = self.make(size)
        return key_of(document), orjson.dumps(document)


MINIMAL: Mapping[str, dict[str, Any]] = {
    "AuthService": {"auth_service": "auth:80"},
    "RateLimitService": {"service": "limit:80", "protocol_version": "v3"},
    "BackendPolicy": {"targetRefs": [{"name": "quote"}]},
    "RoutePolicy": {"targetRefs": [{"kind": "Gateway", "name": "web"}]},
    "Mapping": {"hostname": "one.team.test", "prefix": "/a/", "service": "quote"},
    "Host": {"hostname": "one.team.test"},
    "Listener": {
        "port": 9000,
        "protocol": "HTTP",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    },
    "TCPMapping": {"port": 9001, "service": "quote"},
    "TLSContext": {"hosts": ["one.team.test"]},
    "LogService": {"service": "quote"},
    "Module": {"config": {}},
    "ConsulResolver": {"datacenter": "dc1"},
    "KubernetesEndpointResolver": {},
    "KubernetesServiceResolver": {},
    "TracingService": {"service": "quote", "driver": "zipkin"},
}


def _growths() -> Iterator[Growth]:
    for served in SERVED:
        for path, schema in _places(schema_of(served.spec), ()):
            for what, value in _values(schema):
                yield Growth(served.name, ".".join(map(str, path)), what, _grown(served.name, path, value))
    yield from _core_growths()


def _places(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        if not inner.get("description", "").startswith("Another name of"):
            yield from _places(inner, (*path, name))
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        yield from _places(more, (*path, "x-key"))
    if isinstance(schema.get("items"), dict):
        yield from _places(schema["items"], (*path, ITEM))


def _values(schema: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[int], Any]]]:
    """What may grow at a place: what its schema wants, and one thing that it does not."""
    kind = schema.get("type")
    if kind in {"string", None}:
        for text in TEXTS:
            yield f"text of {text!r}", lambda size, text=text: text * (size // len(text))
    if kind in {"array", None, "string"}:
        yield "list of texts", lambda size: [f"a{number}" for number in range(size // 8)]
        yield "list of numbers", lambda size: list(range(size // 8))
    if kind in {"object", None}:
        yield "texts by name", lambda size: {f"a{number}": "b" for number in range(size // 12)}
        yield "numbers by name", lambda size: {f"a-{number}": number for number in range(size // 16)}
        yield "a long name", lambda size: {"a" * size: "b"}
    if kind in {"integer", "number", "boolean"}:
        yield "text where a number is wanted", lambda size: "1" * size


def _grown(kind: str, path: tuple[str, ...], value: Callable[[int], Any]) -> Grown:
    def make(size: int) -> dict[str, Any]:
        grown = value(size)
        for step in reversed(path):
            grown = [grown] if step == ITEM else {step: grown}
        return _document(kind, {**MINIMAL[kind], **grown})

    return make


def _document(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "ambassador" if kind == "Module" else "grown", "namespace": "team"}
    return {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _core_growths() -> Iterator[Growth]:
    for kind, (minimal, places) in CORE.items():
        for path, values in places.items():
            for what, value in values.items():
                yield Growth(kind, path, what, _grown_core(minimal, path, value))
    yield Growth("EndpointSlice", "ports and endpoints", "ports of one name", _grown_slice)


def _many_ports(size: int) -> list[dict[str, Any]]:
    return [{"port": 1 + number % 60_000} for number in range(size // 16)]


def _many_endpoints(size: int) -> list[dict[str, Any]]:
    return [{"addresses": [f"10.1.{number // 250}.{number % 250}"]} for number in range(size // 30)]


def _grown_slice(size: int) -> dict[str, Any]:
    """Two things that grow: what is made of both must not be their product."""
    return {**CORE["EndpointSlice"][0], "ports": _many_ports(size // 2), "endpoints": _many_endpoints(size // 2)}


def _grown_core(minimal: dict[str, Any], path: str, value: Callable[[int], Any]) -> Grown:
    def make(size: int) -> dict[str, Any]:
        made: dict[str, Any] = orjson.loads(orjson.dumps(minimal))
        *way, last = (step.replace("+", ".") for step in path.split("."))
        inner = made
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = value(size)
        return made

    return make


def _core(version: str, kind: str, body: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "grown", "namespace": "team", **metadata}, **body}


def _base64(text: bytes) -> Callable[[int], Any]:
    return lambda size: base64.b64encode(text * (size // len(text))).decode()


_LABELS: Mapping[str, Callable[[int], Any]] = {
    "names": lambda size: {f"a{number}": "b" for number in range(size // 12)},
    "numbers": lambda size: {f"a{number}": number for number in range(size // 12)},
}
_BLOCK = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
_PEM: Mapping[str, Callable[[int], Any]] = {
    "begins": _base64(b"-----BEGIN CERTIFICATE-----\n"),
    "ends": _base64(b"-----END CERTIFICATE-----\n"),
    "blocks": _base64(_BLOCK),
    "keys": _base64(_BLOCK.replace(b"CERTIFICATE", b"PRIVATE KEY")),
    "dashes": _base64(b"-"),
    "line ends": _base64(b"\n"),
    "text": _base64(b"a"),
    "no base64": lambda size: "%" * size,
}
_SLICE = {"addressType": "IPv4", "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}]}
CORE: Mapping[str, tuple[dict[str, Any], Mapping[str, Mapping[str, Callable[[int], Any]]]]] = {
    "Secret": (
        _core("v1", "Secret", {"type": "kubernetes.io/tls", "data": {}}),
        {
            "data.tls+crt": _PEM,
            "data.tls+key": _PEM,
            "data.ca+crt": _PEM,
            "data.crl+pem": _PEM,
            "data": {"entries": lambda size: {f"a{number}": "YQ==" for number in range(size // 16)}},
            "metadata.labels": _LABELS,
        },
    ),
    "Service": (
        _core("v1", "Service", {"spec": {"ports": [{"port": 80}]}}),
        {
            "spec.ports": {
                "good ones": lambda size: [
                    {"port": number % 65_000 + 1, "name": f"n{number}"} for number in range(size // 30)
                ],
                "bad ones": lambda size: [{"port": "x"} for _ in range(size // 16)],
            },
            "spec.externalName": {"text": lambda size: "a." * (size // 2)},
            "metadata.labels": _LABELS,
        },
    ),
    "EndpointSlice": (
        _core("discovery.k8s.io/v1", "EndpointSlice", _SLICE, labels={"kubernetes.io/service-name": "grown"}),
        {
            "endpoints": {
                "good ones": _many_endpoints,
                "bad ones": lambda size: [{"addresses": "x"} for _ in range(size // 20)],
                "many addresses": lambda size: [
                    {"addresses": [f"10.1.{n // 250}.{n % 250}" for n in range(size // 12)]}
                ],
            },
            "ports": {"names": lambda size: [{"port": 1 + n % 60_000, "name": f"n{n}"} for n in range(size // 30)]},
        },
    ),
}

GROWTHS = tuple(_growths())


class Gauge:
    """A translator with a good world, in which an object comes and goes."""

    def __init__(self) -> None:
        self._translation = Translation(Options(), {})
        users = [document for document in USERS if document["kind"] != "Module"]
        objects = {key_of(document): orjson.dumps(document) for document in users}
        self._translation.objects_changed(0.0, {**good_world(), **objects})

    def cost(self, key: str, body: bytes) -> float:
        """The seconds of CPU that an object costs from its bytes to its statuses, coming and going."""
        before = time.process_time()
        self.translate(key, body)
        return time.process_time() - before

    def translate(self, key: str, body: bytes) -> None:
        """Let an object come and go."""
        publication = self._translation.objects_changed(0.0, {key: body})
        assert not publication.failures
        for changed, status in publication.statuses.items():
            if status is not None:
                _write(changed, status)
        self._translation.objects_changed(0.0, {key: None})


def _write(key: str, status: Status) -> None:
    """What is made of a status for the snapshot."""
    orjson.dumps(status.json())
    kind = key.split("/")[1]
    if key.startswith("getambassador.io/"):
        orjson.dumps(kubernetes_status(kind, status))


def test_the_schemas_of_all_kinds_were_found() -> None:
    kinds = {growth.kind for growth in GROWTHS}
    assert kinds == {*MINIMAL, *CORE}
    assert len(GROWTHS) > 500


@pytest.mark.parametrize("kind", [*MINIMAL, *CORE])
def test_time_is_linear_in_the_size_of_an_object(kind: str) -> None:
    gauge = Gauge()
    gc.freeze()  # a collection costs what came, not what there is
    try:
        wrong = [str(growth) for growth in GROWTHS if growth.kind == kind and not _is_linear(gauge, growth)]
    finally:
        gc.unfreeze()
    assert wrong == []


def _is_linear(gauge: Gauge, growth: Growth) -> bool:
    small, large = growth.object(SMALL), growth.object(LARGE)
    for _ in range(3):  # a machine that does something else meanwhile makes a number larger, never smaller
        if gauge.cost(*large) <= FREE or gauge.cost(*large) <= MOST_RATIO * gauge.cost(*small) + FREE:
            return True
    return False


@pytest.mark.parametrize("kind", [*MINIMAL, *CORE])
def test_memory_is_linear_in_the_size_of_an_object_and_goes_with_it(kind: str) -> None:
    gauge = Gauge()
    tracemalloc.start()
    try:
        wrong = {}
        before = tracemalloc.get_traced_memory()[0]
        for growth in GROWTHS:
            if growth.kind == kind:
                key, body = growth.object(SMALL)
                tracemalloc.reset_peak()
                held = tracemalloc.get_traced_memory()[0]
                gauge.translate(key, body)
                peak = tracemalloc.get_traced_memory()[1] - held
                if peak > MOST_MEMORY * len(body):
                    wrong[str(growth)] = peak // len(body)
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert wrong == {}
    assert kept < MOST_KEPT


BATCH = 300


@pytest.mark.parametrize("kind", sorted(MINIMAL.keys() - {"Module"}))
def test_a_batch_of_bad_objects_costs_no_more_than_some_batches_of_good_ones(kind: str) -> None:
    """Whoever changes something at the same moment waits for the batch."""
    good = [_of_batch(kind, number, MINIMAL[kind]) for number in range(BATCH)]
    bad = [_of_batch(kind, number, WRONG[kind]) for number in range(BATCH)]
    for _ in range(3):  # see _is_linear
        if _cost_of(dict(bad)) <= 6 * _cost_of(dict(good)) + FREE:
            return
    pytest.fail(f"{BATCH} bad ones cost more than six times as much as good ones")


WRONG: Mapping[str, dict[str, Any]] = {
    "BackendPolicy": {"targetRefs": [{"kind": "Odd"}], "circuit_breakers": 5, "connect_timeout_ms": "x", "odd": 1},
    "RoutePolicy": {"targetRefs": [{"kind": "Odd", "name": "a"}], "ip_deny": ["x"], "timeout_ms": "x", "odd": 1},
    "RateLimitService": {"service": "a b", "protocol_version": "v4", "timeout_ms": "x", "grpc": 5, "odd": 1},
    "AuthService": {"auth_service": "a b", "proto": "no", "timeout_ms": "x", "allowed_request_headers": [5], "odd": 1},
    "Mapping": {"prefix": "(", "prefix_regex": True, "service": "a b", "timeout_ms": "x", "hostname": "a*b", "odd": 1},
    "Host": {"hostname": "one.team.test", "tlsSecret": {"name": "nowhere"}, "tls": {"cipher_suites": ["no"]}, "odd": 1},
    "Listener": {"port": 0, "protocol": "NO", "securityModel": "NO", "hostBinding": 5, "odd": 1},
    "TCPMapping": {"port": 0, "service": "a b", "host": "*", "weight": 1000, "odd": 1},
    "TLSContext": {"hosts": [5], "secret": "nowhere", "cipher_suites": ["no"], "min_tls_version": "v9", "odd": 1},
    "ConsulResolver": {"address": "a b", "odd": 1},
    "KubernetesEndpointResolver": {"odd": 1},
    "KubernetesServiceResolver": {"odd": 1},
    "LogService": {"service": "a b", "driver": "no", "flush_interval_time": 0, "protocol_version": "v2", "odd": 1},
    "TracingService": {"service": "a b", "driver": "no", "sampling": {"random": 101}, "config": 5, "odd": 1},
}


def _of_batch(kind: str, number: int, spec: dict[str, Any]) -> tuple[str, bytes]:
    document = _document(kind, spec)
    document["metadata"] = {"name": f"batch-{number}", "namespace": "team"}
    return key_of(document), orjson.dumps(document)


def _cost_of(objects: dict[str, bytes]) -> float:
    translation = Translation(Options(), {})
    translation.objects_changed(0.0, dict(good_world()))
    before = time.process_time()
    publication = translation.objects_changed(0.0, dict(objects))
    for key, status in publication.statuses.items():
        if status is not None:
            _write(key, status)
    assert not publication.failures
    return time.process_time() - before

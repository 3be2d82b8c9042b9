"""Objects in annotations: which of several counts, and what is told on whoever carries them."""

from typing import Any

import orjson

from translator.options import Options
from translator.statuses import Status
from translator.translation import Translation

MAPPING = "getambassador.io/Mapping/team/quote"
A = "core/Service/team/a"
B = "networking.k8s.io/Ingress/team/b"


def mapping(prefix: object) -> dict[str, Any]:
    return {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "metadata": {"name": "quote", "namespace": "team"},
        "spec": {"hostname": "*", "prefix": prefix, "service": "10.0.0.1"},
    }


def carrier(*objects: dict[str, Any], problem: str = "") -> bytes:
    carried: list[Any] = [{"document": n, "line": n, "key": MAPPING, "object": it} for n, it in enumerate(objects, 1)]
    carried += [{"document": 9, "line": 99, "problem": problem}] if problem else []
    return orjson.dumps({"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}, "carried": carried})


def plain() -> bytes:
    return orjson.dumps({"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}})


class World:
    """A translation, and the statuses as they are known to others."""

    def __init__(self) -> None:
        self.translation = Translation(Options(), {})
        self.statuses: dict[str, Status | None] = {}

    def change(self, **bodies: bytes | None) -> None:
        names = {"mapping": MAPPING, "a": A, "b": B}
        publication = self.translation.objects_changed(0.0, {names[name]: body for name, body in bodies.items()})
        assert publication.failures == []
        self.statuses |= publication.statuses

    @property
    def prefix(self) -> object:
        body = self.translation.pipeline.object(MAPPING)
        return orjson.loads(body)["spec"]["prefix"] if body else None

    def said(self, key: str) -> list[tuple[str, bool]]:
        status = self.statuses[key]
        told = status.problems if status else ()
        return [(each.message, each.stops) for each in told if "no Listener" not in each.message]


def test_the_first_carrier_counts_and_the_next_one_when_it_goes() -> None:
    world = World()
    world.change(b=carrier(mapping("/b/")))
    assert world.prefix == "/b/"
    assert world.statuses[MAPPING]
    assert world.statuses[MAPPING].carrier == B
    world.change(a=carrier(mapping("/a/")))
    assert world.prefix == "/a/"
    assert world.said(B) == [(f"document 1: {MAPPING} is in {A} already, which counts", True)]
    world.change(a=plain())
    assert (world.prefix, world.said(B), world.said(A)) == ("/b/", [], [])
    world.change(b=None)
    assert (world.prefix, world.statuses[MAPPING], world.statuses[B]) == (None, None, None)


def test_an_object_of_its_own_counts_before_all_carried_ones() -> None:
    world = World()
    world.change(a=carrier(mapping("/a/")), mapping=orjson.dumps(mapping("/own/")))
    assert world.prefix == "/own/"
    assert world.said(A) == [(f"document 1: {MAPPING} is an object of its own, which counts", True)]
    world.change(mapping=None)
    assert (world.prefix, world.said(A)) == ("/a/", [])
    world.change(mapping=orjson.dumps(mapping("/own/")))
    assert world.prefix == "/own/"


def test_what_is_wrong_with_a_document_is_told_on_its_carrier() -> None:
    world = World()
    world.change(a=carrier(mapping(5), problem="it is not YAML"))
    said = "spec.prefix must be a string, not an integer: 5"
    assert world.said(A) == [
        (f"document 1, {MAPPING}: {said}", False),
        ("document 9, line 99: it is not YAML", True),
    ]
    world.change(a=carrier(mapping("/a/")))
    assert world.said(A) == []
    assert world.prefix == "/a/"


def test_of_two_documents_of_a_name_the_first_counts() -> None:
    world = World()
    world.change(a=carrier(mapping("/1/"), mapping("/2/")))
    assert world.prefix == "/1/"
    assert world.said(A) == [(f"document 2: {MAPPING} is in this annotation already, in document 1", True)]


def test_a_service_is_the_same_service_with_and_without_an_annotation() -> None:
    world = World()
    world.change(a=plain())
    before = world.translation.pipeline.object(A)
    world.change(a=carrier(mapping("/a/")))
    assert world.translation.pipeline.object(A) == before

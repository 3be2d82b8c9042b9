"""Small worlds for tests of the reflector: a model of an API server, and reflectors that are led by hand."""

from typing import Any

import orjson
from model_apiserver import Model, World, document

from snapshot import Record
from watcher.asking import Ask
from watcher.kinds import KINDS, Kind, Target
from watcher.outage import Server
from watcher.reflector import Reflector

MAPPING, HOST, SERVICE, SLICE = (
    next(kind for kind in KINDS if kind.name == name) for name in ("Mapping", "Host", "Service", "EndpointSlice")
)
TARGET = Target(MAPPING)
KEY = MAPPING.key("a", "m")


def world(*kinds: Kind, model: Model | None = None, **given: Any) -> World:
    return World(tuple(Target(kind) for kind in kinds or (MAPPING,)), model=model, **given)


def filled(count: int = 3) -> Model:
    model = Model()
    for number in range(count):
        model.put(MAPPING, f"m{number}", 1)
    return model


def asked(reflector: Reflector, now: float = 0.0) -> Ask:
    step = reflector.next(now)
    assert isinstance(step, Ask)
    return step


def line(said: str, version: int, **more: Any) -> bytes:
    if said == "BOOKMARK":
        return orjson.dumps({"type": said, "object": {"metadata": {"resourceVersion": str(version), **more}}})
    return orjson.dumps({"type": said, "object": document(MAPPING, "m", version, version, "u")})


END = {"annotations": {"k8s.io/initial-events-end": "true"}}


def synced(version: int = 10) -> Reflector:
    reflector = Reflector(TARGET, Server(lambda: 0.5), lambda: 0.5)
    asked(reflector)
    reflector.opened(0)
    reflector.heard(0, [line("BOOKMARK", version, **END)])
    return reflector


def without_problems(run: World) -> dict[str, Record]:
    return {key: record for key, record in run.published.items() if not key.startswith("dragoman/")}

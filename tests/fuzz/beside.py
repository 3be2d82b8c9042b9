"""One case of the fuzzer: mutated objects come to a good world, and go again.

What must hold, whatever they are:

- no rule of ours fails, and each problem says something;
- clusters, endpoints and secrets of the good ones are the same to the byte, and none of their objects is stopped;
- a stopped object gives nothing: with nothing but stopped ones (Hosts aside: their names are shut, which others' chains
  say) every resource is the same to the byte, and no status is different;
- what is given can be read by protobuf's own classes;
- when they are gone, everything is as it was.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from envoyapi import canonical
from tests.fuzz.mutations import mutated, places_of
from tests.fuzz.worlds import good_world, key_of, originals
from translator.ir import ObjectKey
from translator.options import Options
from translator.publication import Publication
from translator.resources import Resource
from translator.statuses import ReportedProblem, Status
from translator.translation import Translation

MESSAGES = {
    "extension": "envoy.config.core.v3.TypedExtensionConfig",
    "cluster": "envoy.config.cluster.v3.Cluster",
    "endpoint": "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "runtime": "envoy.service.runtime.v3.Runtime",
    "listener": "envoy.config.listener.v3.Listener",
    "scope": "envoy.config.route.v3.ScopedRouteConfiguration",
    "route": "envoy.config.route.v3.RouteConfiguration",
    "secret": "envoy.extensions.transport_sockets.tls.v3.Secret",
}
_APART = ("cluster/", "endpoint/", "secret/")


@dataclass(frozen=True)
class Case:
    """The mutated objects of one case, by key. A seed makes the same case always."""

    seed: int
    objects: Mapping[ObjectKey, bytes]

    def __str__(self) -> str:
        bodies = "\n".join(f"{key}: {body.decode()[:2000]}" for key, body in self.objects.items())
        return f"seed {self.seed}:\n{bodies}"


def case_of(seed: int) -> Case:
    """One to four objects, each of which was valid before it was mutated."""
    random = Random(seed)
    spares = [container[key] for document in originals() for container, key in places_of(document)]
    chosen = random.sample(originals(), random.choice((1, 1, 2, 4)))
    objects = {}
    for document in chosen:
        changed = mutated(random, document, spares)
        if isinstance(changed, dict):
            # The name in the key is the API server's word, and the watcher's for a folder.
            objects[key_of(document)] = json.dumps(changed).encode()  # integers of any size
    return Case(seed, objects)


class Beside:
    """A good world that was translated once, for any number of cases."""

    def __init__(self) -> None:
        self._translation = Translation(Options(), {})
        first = self._translation.objects_changed(0.0, dict(good_world()))
        assert not first.failures
        self._resources = self._translation.resources()
        self._statuses = {key: status for key, status in first.statuses.items() if status is not None}

    def check(self, case: Case) -> None:
        """Translate a case.

        Raises:
            AssertionError: with the objects, when something that must hold does not.
        """
        came = self._change(dict(case.objects))
        self._check_said(case, came)
        self._check_given(case, came)
        self._change(dict.fromkeys(case.objects))
        assert self._translation.resources() == self._resources, f"something of it stayed: {case}"

    def _change(self, objects: dict[ObjectKey, bytes | None]) -> Publication:
        publication = self._translation.objects_changed(0.0, objects)
        assert not publication.failures, f"{publication.failures} for {objects}"
        assert not self._translation.take_failures()
        return publication

    def _check_said(self, case: Case, came: Publication) -> None:
        for key, before in self._statuses.items():
            status = came.statuses.get(key, before)
            assert status is not None, f"{key} lost its status: {case}"
            assert status.state == before.state, f"{key} has {status.problems}: {case}"
        for key in case.objects:
            for told in _problems(came.statuses.get(key)):
                assert told.message, f"a problem of {key} says nothing: {case}"

    def _check_given(self, case: Case, came: Publication) -> None:
        given = self._translation.resources()
        for key, row in came.resources.items():
            if row is not None:
                canonical.to_json(MESSAGES[key.partition("/")[0]], row.body)
        missing = self._resources.keys() - given.keys()
        assert not missing, f"{missing} went: {case}"
        harmless = all(_is_stopped(key, came.statuses.get(key)) for key in case.objects)
        kept = self._resources if harmless else {k: v for k, v in self._resources.items() if k.startswith(_APART)}
        different = [key for key, row in kept.items() if _body(given[key]) != _body(row)]
        assert not different, f"{different} changed: {case}"
        if harmless:
            more = given.keys() - self._resources.keys()
            assert not more, f"{more} came from objects that are stopped: {case}"


def _is_stopped(key: ObjectKey, status: Status | None) -> bool:
    """Whether an object gives nothing, and shuts nothing: a Host its name, a service that guards, all routes."""
    if status is None or any(f"/{kind}/" in key for kind in ("Host", "AuthService", "RateLimitService")):
        return False
    return status.state == "stopped"


def _problems(status: Status | None) -> tuple[ReportedProblem, ...]:
    return status.problems if status else ()


def _body(row: Resource) -> bytes:
    return bytes(row.body)

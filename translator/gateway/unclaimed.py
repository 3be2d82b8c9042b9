"""What of Gateway API in a folder is nobody's: Gateways of no class of ours, and what attaches to nothing that is here.

In a cluster that is another controller's affair, and of such an object nothing may be said. A folder has no other
controller: who misspells a name in it would see a 404, and nowhere why.
"""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from translator.decode import Problem, few
from translator.gateway.gateways import Gateways
from translator.gateway.kinds.gateway import GatewaySpec
from translator.gateway.kinds.listener_set import ListenerSetSpec, ParentGateway, parent_of
from translator.gateway.kinds.shared import Object, ParentRef, read_object
from translator.gateway.names import CONTROLLER, GATEWAY, GATEWAY_CLASS, GROUP, LISTENER_SET, PARENTS
from translator.ir import ObjectKey
from translator.kubernetes.tables import name_of
from translator.tables import Table, Tables, read
from translator.unserved import like, there_is

_NO_CLASS: Final = f"add a GatewayClass with the controllerName {CONTROLLER}"
_NO_PARENT: Final = "names no Gateway, and asks for no default one: nothing leads to this route"
_NO_DEFAULT: Final = "asks for default Gateways, and no Gateway says defaultScope: All"

_InNamespace = tuple[str, str]
"""A kind, as `<group>/<Kind>`, and a namespace."""


class Unclaimed:
    """`problems` are those of objects that no class of ours, or nothing that is here, stands behind."""

    def __init__(self, tables: Tables, gateways: Gateways, routes: Table[ObjectKey, Object[Any]]) -> None:
        self._gateways = gateways
        classes, sources = gateways.sources[GATEWAY_CLASS], gateways.sources
        named = tables.group("gateway classes of all by name", classes, _controller_by_name)
        self._controllers: Table[str, str] = tables.each(
            "controllers of gateway classes", named, lambda _, them: them[min(them)]
        )
        ours = tables.group("names of our gateway classes", gateways.classes, lambda key, _: {"": name_of(key)[1]})
        self._ours: Table[str, tuple[str, ...]] = tables.each(
            "our gateway classes", ours, lambda _, them: tuple(sorted(them.values()))
        )
        near = tables.group("parents by namespace", gateways.places, lambda key, _: {_place_of(key): name_of(key)[1]})
        self._near: Table[_InNamespace, tuple[str, ...]] = tables.each(
            "names of parents", near, lambda _, them: tuple(sorted(them.values()))
        )
        far = tables.group("parents by name", gateways.places, lambda key, _: {_called(key): name_of(key)[0]})
        self._far: Table[tuple[str, str], str] = tables.each(
            "namespaces of parents", far, lambda _, them: min(them.values())
        )
        self.problems: tuple[Table[ObjectKey, tuple[Problem, ...]], ...] = (
            tables.each("gateways of nobody", sources[GATEWAY], self._of_gateway),
            tables.each("listener sets of nobody", sources[LISTENER_SET], self._of_set),
            tables.each("routes of nobody", routes, lambda _, route: tuple(self._of_route(route)) or None),
        )

    def _of_gateway(self, key: ObjectKey, body: bytes) -> tuple[Problem, ...] | None:
        if read(self._gateways.all, key) is not None:
            return None
        spec = orjson.loads(body).get("spec")
        named = spec.get("gatewayClassName") if isinstance(spec, dict) else None
        told = read_object(GatewaySpec, key, body).problems
        return few((*told, *self._of_class(named))) if isinstance(named, str) and named else told or None

    def _of_class(self, named: str) -> Iterator[Problem]:
        controller, ours = read(self._controllers, named), read(self._ours, "") or ()
        if controller is not None:
            said, hint = f"is of another controller, {controller}", f": those of ours have {CONTROLLER}"
        else:
            said, hint = "does not exist", like(named, ours) or there_is(ours) or f": {_NO_CLASS}"
        said = f"names the GatewayClass {named}, which {said}, so that nothing of this Gateway is served{hint}"
        yield Problem("spec.gatewayClassName", said, stops=False, reason="NotAttached", sort="Classless")

    def _of_set(self, key: ObjectKey, body: bytes) -> tuple[Problem, ...] | None:
        if read(self._gateways.sets, key) is not None:
            return None
        row = read_object(ListenerSetSpec, key, body)
        ref = row.spec.parent_ref if row.spec else parent_of(body)
        told = [] if ref is None else [*self._of_parent(row, ref, "spec.parentRef", (GATEWAY,))]
        return few((*row.problems, *told)) or None

    def _of_route(self, route: Object[Any]) -> Iterator[Problem]:
        for number, ref in enumerate(route.parents):
            yield from self._of_parent(route, ref, f"spec.parentRefs[{number}]", tuple(PARENTS.values()))
        if route.parents or route.spec is None:
            return
        if not route.wants_defaults:
            yield _astray("spec.parentRefs", _NO_PARENT)
        elif read(self._gateways.defaults, "All") is None:
            yield _astray("spec.useDefaultGateways", _NO_DEFAULT)

    def _of_parent(
        self, row: Object[Any], ref: ParentRef | ParentGateway, path: str, kinds: tuple[str, ...]
    ) -> Iterator[Problem]:
        """What is said of a reference that leads to nothing here."""
        kind, namespace = f"{ref.group or 'core'}/{ref.kind}", ref.namespace or row.namespace
        if kind not in kinds:
            words = " or ".join(each.partition("/")[2] for each in kinds)
            yield _astray(path, f"is of the kind {kind}, which takes no {row.kind}s: it must be a {words} of {GROUP}")
            return
        key = f"{kind}/{namespace}/{ref.name}"
        if read(self._gateways.places, key) is not None:
            return
        called = f"the {ref.kind} {namespace}/{ref.name}"
        if self._gateways.is_there(key):
            yield _astray(path, f"{called} is not served, as is told of it: nothing leads here")
            return
        elsewhere = read(self._far, (kind, ref.name))
        near = read(self._near, (kind, namespace)) or ()
        hint = like(ref.name, near) or there_is(near)
        hint = f"; did you mean the one of the namespace {elsewhere}?" if elsewhere else hint
        yield _astray(f"{path}.name", f"{called} does not exist{hint}")


def _astray(path: str, said: str) -> Problem:
    return Problem(path, said, stops=False, reason="NotAttached", sort="Astray")


def _place_of(key: ObjectKey) -> _InNamespace:
    group, kind, namespace, _ = key.split("/", 3)
    return f"{group}/{kind}", namespace


def _called(key: ObjectKey) -> tuple[str, str]:
    return key.rsplit("/", 2)[0], name_of(key)[1]


def _controller_by_name(key: ObjectKey, body: bytes) -> dict[str, str]:
    spec = orjson.loads(body).get("spec")
    named = spec.get("controllerName") if isinstance(spec, dict) else None
    return {name_of(key)[1]: named} if isinstance(named, str) else {}

"""Scoped routes in the model of Envoy: what a listener, an index and a scope need of each other, and what is judged.

    listener          {"srds": name | null, ...}                the scope that its requests are routed by first
    route             {"scopes": [names], ...}                  an index sends requests on to these
    scope             {"routes": name, "bad": ...}              its key is its name

Whatever is wrong with a scope spoils a whole response. Envoy drops its scopes with the last listener that has scoped
routes, and asks for none when such a listener comes again: that one waits for the next response.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from adsserver.messages import Response
from adsserver.resources import Kind
from tests.support.model_resources import Held, held

if TYPE_CHECKING:
    from tests.support.model_envoy import ModelEnvoy


class ModelScopes:
    """The scopes of a model of Envoy. `exists`: whether the translator publishes what has this key, and it is good."""

    def __init__(self, envoy: "ModelEnvoy", exists: Callable[[str], bool]) -> None:
        self.was_asked = False
        self._envoy = envoy
        self._exists = exists
        self._has_users = False
        self._awaited: set[str] | None = None
        self._refused: set[str] = set()

    @property
    def active(self) -> dict[str, Held]:
        """Those that Envoy has."""
        return self._envoy.active[Kind.SCOPE]

    @property
    def has_users(self) -> bool:
        """Whether any listener has scoped routes."""
        listeners = self._envoy.active[Kind.LISTENER], self._envoy.warming_listeners
        found = [*self._envoy.draining, *listeners[0].values(), *listeners[1].values()]
        return any(each.content.get("srds") for each in found)

    @property
    def routes(self) -> set[str]:
        """The route configurations that they lead to."""
        return {each.content["routes"] for each in self.active.values()}

    def update(self) -> set[str]:
        """Drop all with the last user, ask for them for the first one; returns the routes that they lead to."""
        has_users = self.has_users
        if not has_users:
            self.active.clear()
            self._awaited = None
        self.was_asked |= has_users
        return self.routes

    def receive(self, response: Response, sent_at: float) -> list[str]:
        """Take over a response; returns what is bad of it."""
        new = {entry.name: held(entry, sent_at) for entry in response.entries}
        bad = [name for name, each in new.items() if each.content["bad"]]
        if not self.has_users:
            return bad
        if bad:
            self._refused.update(new)
        else:
            for name in response.removed:
                if self.active.pop(name, None):
                    self._judge_withdrawal(name)
            self.active.update(new)
            self._refused.difference_update(new)
        if self._awaited is None:
            self._awaited = set() if bad else {each.content["routes"] for each in new.values()}
        return bad

    def needed_by(self, listener: Held) -> list[str] | None:
        """The routes that a listener waits for beside its own; None when it waits for scopes."""
        if not listener.content.get("srds"):
            return []
        return None if self._awaited is None else sorted(self._awaited)

    def refused_routes(self, names: list[str]) -> None:
        """What is led there may find nothing, and nobody can help it."""
        self._refused.update(names)

    # -- what must never happen

    def judge_routes(self, name: str) -> None:
        """These routes have changed: an index leads to what is there."""
        for listener in self._listeners():
            if self._index_of(listener) == name:
                self.judge_listener(listener)

    def judge_listener(self, listener: Held) -> None:
        """It serves, or its index has changed.

        A last good listener, given to a new Envoy after its scope went, looks like one whose scopes were dropped.
        """
        if any(not self._exists(Kind.SCOPE.key(each.content["srds"])) for each in self._listeners()):
            return
        index = self._envoy.active[Kind.ROUTE].get(self._index_of(listener) or "")
        for name in index.content.get("scopes", ()) if index else ():
            assert index
            scope = self.active.get(name)
            if name in self._refused or not self._exists(Kind.SCOPE.key(name)):
                continue
            assert scope, f"{index} leads to the scope {name}, which is not there"
            routes = scope.content["routes"]
            is_there = routes in self._envoy.active[Kind.ROUTE] or routes in self._refused
            is_there |= routes in self._envoy.excused[Kind.ROUTE]
            is_late = index.sent_at - scope.sent_at >= self._envoy.timing.patience - 1e-6
            if not (is_there or is_late or not self._exists(Kind.ROUTE.key(routes))):
                raise AssertionError(f"{index} leads to {name}, whose routes are not there")

    def _judge_withdrawal(self, name: str) -> None:
        for listener in self._listeners():
            index = self._envoy.active[Kind.ROUTE].get(self._index_of(listener) or "")
            assert name != listener.content["srds"], f"{name} was taken away from {listener}"
            assert not (index and name in index.content.get("scopes", ())), f"{name} was taken away from {index}"

    def _listeners(self) -> Iterator[Held]:
        for listener in (*self._envoy.active[Kind.LISTENER].values(), *self._envoy.draining):
            if listener.content.get("srds"):
                yield listener

    def _index_of(self, listener: Held) -> str | None:
        first = self.active.get(listener.content.get("srds") or "")
        return first.content["routes"] if first else None

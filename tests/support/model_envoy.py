"""A model of how Envoy 1.40 speaks delta ADS: what it asks, holds, warms, accepts and refuses. For property tests.

It follows Envoy's delta_subscription_state.cc, cds_api_helper.cc and lds_api.cc as far as a control plane can tell, and
it judges: a route must not come before its clusters, a cluster must not go before its routes. A resource's body is
JSON (scopes, and what others say of them, in model_scopes.py):

    cluster           {"eds": name | null, "stuck": bool, "bad": null | "rules" | "meaning"}    stuck: warms for ever
    listener          {"rds": [names], "sds": [names], "bad": ...}
    route             {"clusters": [names], "on": bool, "bad": ...}
    endpoint          {"bad": ...}
    secret            {"bad": ...}, as the PEM of an encoded Secret
    runtime           {"bad": ...}: asked for first of all; nothing else is before it came, or was refused
    extension         {"idle": bool}: the configuration of the filter that a route with "on" has switched on

"rules" is what spoils a whole response (a field breaks protoc-gen-validate's rules), "meaning" only itself where Envoy
can tell, that is with clusters and listeners.

A Secret is compared with the last one that came, be it a refused one, and what is equal is accepted unread; a listener
that comes while a refused one is in mind is refused with it. A listener that changed or went drains: it keeps its
routes and Secrets until `end_drains`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from math import inf

from adsserver.messages import Request, Response
from adsserver.resources import Kind
from adsserver.round import Timing
from tests.support.model_resources import Held, held
from tests.support.model_scopes import ModelScopes

WILD = (Kind.CLUSTER, Kind.SCOPE, Kind.LISTENER)
FILTER = "filter"
LAYER = "layer"


class ModelEnvoy:
    """One Envoy process. `out` are its requests, in order."""

    def __init__(self, timing: Timing, exists: Callable[[str], bool], is_bad: Callable[[str], bool]) -> None:
        """What the translator publishes: whether it is there and good by its key, and whether a route is refused."""
        self.timing = timing
        self.exists = exists
        self.is_bad = is_bad
        self.out: deque[Request] = deque()
        self.active: dict[Kind, dict[str, Held]] = {kind: {} for kind in Kind}
        self.warming: dict[str, Held] = {}
        self.warming_listeners: dict[str, Held] = {}
        self.versions: dict[Kind, dict[str, str]] = {kind: {} for kind in Kind}
        self.interest: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        self.interest[Kind.RUNTIME].add(LAYER)
        self.asked: set[Kind] = set()
        self.has_begun = False
        self.told_at = 0.0
        self.was_told = False
        self.wants_listeners = False
        self.withheld: list[Request] = []
        self.told: set[tuple[str, str]] = set()
        self.forgiven: set[tuple[str, str]] = set()
        self._alone: dict[str, tuple[str, str]] = {}
        self.refused_clusters: set[str] = set()
        self.known_clusters: set[str] = set()
        self.draining: list[Held] = []
        self.in_mind: dict[str, bytes] = {}
        self.spoilt: set[str] = set()
        self._innocent: set[str] = set()
        self.excused: dict[Kind, set[str]] = {Kind.ROUTE: set(), Kind.SECRET: set()}
        self.sent_again: list[str] = []
        self.keeps_routes: set[str] = set()
        self.scopes = ModelScopes(self, exists)

    # -- the stream

    def connect(self) -> None:
        """A new stream: what was queued for the old one is gone."""
        self.out.clear()
        self._alone.clear()
        self.withheld.clear()
        self.asked.clear()
        self.sent_again.clear()
        self._ask(Kind.RUNTIME)
        if self.has_begun:
            self._begin()

    def _begin(self) -> None:
        self.has_begun = True
        self._ask(Kind.CLUSTER)
        self._update_interest()
        if self.wants_listeners:
            self._ask(Kind.LISTENER)
        if self.scopes.was_asked:
            self._ask(Kind.SCOPE)

    def say(self) -> Request:
        """The next request, on its way now; a refusal of one resource alone is remembered as told."""
        request = self.out.popleft()
        asked = {request.kind.key(name) for name in request.subscribe}
        for told in self.told:
            is_made_with_secrets = told[0].startswith(("cluster/", "listener/"))
            if told[0] in asked or (request.kind is Kind.SECRET and is_made_with_secrets):
                self.forgiven.add(told)
        if request.nonce in self._alone:
            told = self._alone.pop(request.nonce)
            self.told.add(told)
            self.forgiven.discard(told)
        return request

    def _ask(self, kind: Kind) -> None:
        if kind is Kind.CLUSTER and self.warming:
            return  # paused; asked as soon as nothing warms
        if kind not in self.asked:
            self.asked.add(kind)
            self.out.append(Request(kind, tuple(sorted(self.interest[kind])), (), dict(self.versions[kind])))

    def receive(self, response: Response, sent_at: float) -> None:
        """Process a response."""
        names = response.names
        self.told_at = sent_at
        assert len(set(names)) == len(names), f"a name twice in one response: {names}"
        is_paused = response.kind is Kind.CLUSTER and self.warming
        assert response.kind in self.asked or is_paused, f"{response.kind} sent without being asked for"
        handle = {
            Kind.CLUSTER: self._clusters,
            Kind.LISTENER: self._listeners,
            Kind.ROUTE: self._routes,
            Kind.ENDPOINT: self._endpoints,
            Kind.SECRET: self._secrets,
            Kind.RUNTIME: self._runtime,
            Kind.EXTENSION: self._extensions,
            Kind.SCOPE: self._scopes,
        }[response.kind]
        self.sent_again += [entry.key for entry in response.entries]
        bad = handle(response, sent_at)
        if not bad:
            self._remember(response)
        elif len(response.entries) == 1 and not response.removed and response.entries[0].name not in self._innocent:
            self._alone[str(response.nonce)] = (response.entries[0].key, response.entries[0].version)
        answer = Request(response.kind, nonce=str(response.nonce), error="; ".join(bad) if bad else None)
        if response.kind is Kind.CLUSTER:
            self.was_told = True
            self.withheld.append(answer)
            self._update_interest()
            self._release()
        else:
            self._update_interest()
            self.out.append(answer)

    def _remember(self, response: Response) -> None:
        known = self.versions[response.kind]
        for entry in response.entries:
            if response.kind in WILD or entry.name in self.interest[response.kind]:
                known[entry.name] = entry.version
        for name in response.removed:
            known.pop(name, None)

    def _release(self) -> None:
        """What waits for warming clusters: the answers about clusters, and at the start the listeners."""
        if self.warming:
            return
        self._ask(Kind.CLUSTER)
        if self.was_told and not self.wants_listeners:
            self.wants_listeners = True
            self._ask(Kind.LISTENER)
        self.out.extend(self.withheld)
        self.withheld.clear()

    def _update_interest(self) -> None:
        """Ask for the endpoints of all clusters and the routes of all listeners, and no longer for those of none."""
        clusters = [*self.active[Kind.CLUSTER].values(), *self.warming.values()]
        listeners = [*self.active[Kind.LISTENER].values(), *self.warming_listeners.values(), *self.draining]
        self._interested(Kind.ENDPOINT, {each.content["eds"] for each in clusters if each.content["eds"]})
        self._interested(Kind.SECRET, {name for each in listeners for name in each.content["sds"]})
        scoped = self.scopes.update()
        self._interested(Kind.ROUTE, {name for each in listeners for name in each.content["rds"]} | scoped)
        if self.scopes.was_asked:
            self._ask(Kind.SCOPE)
        self._interested(Kind.EXTENSION, {FILTER} if listeners else set())

    def _interested(self, kind: Kind, names: set[str]) -> None:
        added, dropped = sorted(names - self.interest[kind]), sorted(self.interest[kind] - names)
        self.interest[kind] = names
        for name in dropped:
            self.versions[kind].pop(name, None)
            self.active[kind].pop(name, None)
            self.excused.get(kind, set()).discard(name)
            if kind is Kind.SECRET:
                self.in_mind.pop(name, None)
                self.spoilt.discard(name)
        if kind not in self.asked:
            if names:
                self._ask(kind)
        elif added or dropped:
            self.out.append(Request(kind, tuple(added), tuple(dropped)))

    # -- the kinds

    def _runtime(self, response: Response, sent_at: float) -> list[str]:
        new = {entry.name: held(entry, sent_at) for entry in response.entries}
        bad = [name for name, each in new.items() if each.content["bad"]]
        if not bad:
            self.active[Kind.RUNTIME].update(new)
        if not self.has_begun and (new or bad):
            self._begin()
        return bad

    def _clusters(self, response: Response, sent_at: float) -> list[str]:
        new = {entry.name: held(entry, sent_at) for entry in response.entries}
        self.known_clusters.update(new)
        bad = _spoiled(new)
        if bad:
            self.refused_clusters.update(bad)
            return bad
        for name in response.removed:
            self._judge_withdrawal(name)
            self.active[Kind.CLUSTER].pop(name, None)
            self.warming.pop(name, None)
        for name, cluster in new.items():
            if cluster.content["bad"]:
                self.refused_clusters.add(name)
                continue
            self.refused_clusters.discard(name)
            latest = self.warming.get(name) or self.active[Kind.CLUSTER].get(name)
            if latest and latest.version == cluster.version:
                continue
            if cluster.content["eds"] is None and not cluster.content["stuck"]:
                self.warming.pop(name, None)
                self.active[Kind.CLUSTER][name] = cluster
            else:
                self.warming[name] = cluster
        return [name for name, cluster in new.items() if cluster.content["bad"]]

    def finish_warming(self) -> None:
        """What seemed to warm for ever (an unreachable name server) is through at last."""
        for name, cluster in list(self.warming.items()):
            if cluster.content["stuck"]:
                self.active[Kind.CLUSTER][name] = self.warming.pop(name)
        self._update_interest()
        self._release()

    def _endpoints(self, response: Response, sent_at: float) -> list[str]:
        bad = self._apply_endpoints({entry.name: held(entry, sent_at) for entry in response.entries})
        # a cluster waits no longer for endpoints that are not there, and none does once any were refused
        for name in list(self.interest[Kind.ENDPOINT]) if bad else response.removed:
            self._warm_up(name)
        self._release()
        return bad

    def _apply_endpoints(self, new: dict[str, Held]) -> list[str]:
        bad = _spoiled(new)
        if bad:
            return bad
        for name, endpoints in new.items():
            if endpoints.content["bad"]:
                return [name]
            if name in self.interest[Kind.ENDPOINT]:
                self.active[Kind.ENDPOINT][name] = endpoints
                self._warm_up(name)
        return []

    def _warm_up(self, endpoints: str) -> None:
        ready = [name for name, each in self.warming.items() if each.content["eds"] == endpoints]
        for name in ready:
            if not self.warming[name].content["stuck"]:
                self.active[Kind.CLUSTER][name] = self.warming.pop(name)

    def _secrets(self, response: Response, sent_at: float) -> list[str]:
        bad = self._apply_secrets(response, {entry.name: held(entry, sent_at) for entry in response.entries})
        self._open_listeners(excused=Kind.SECRET if bad else None)
        return bad

    def _apply_secrets(self, response: Response, new: dict[str, Held]) -> list[str]:
        bad = _spoiled(new)
        if bad:
            return bad
        for entry in response.entries:
            body = response.body(entry)
            if entry.name not in self.interest[Kind.SECRET] or self.in_mind.get(entry.name) == body:
                continue
            self.in_mind[entry.name] = body
            if new[entry.name].content["bad"]:
                self.spoilt.add(entry.name)
                return [entry.name]
            self.spoilt.discard(entry.name)
            self.active[Kind.SECRET][entry.name] = new[entry.name]
        return []

    def _listeners(self, response: Response, sent_at: float) -> list[str]:
        new = {entry.name: held(entry, sent_at) for entry in response.entries}
        bad = _spoiled(new)
        if bad:
            return bad
        for name in response.removed:
            self._drain(name, since=self.told_at)
            self.warming_listeners.pop(name, None)
        self._innocent.clear()
        for name, listener in new.items():
            latest = self.warming_listeners.get(name) or self.active[Kind.LISTENER].get(name)
            if listener.content["bad"] or (latest and latest.version == listener.version):
                continue
            if self.spoilt.isdisjoint(listener.content["sds"]):
                self.warming_listeners[name] = listener
            else:
                self._innocent.add(name)
        self._open_listeners()
        return [name for name, listener in new.items() if listener.content["bad"] or name in self._innocent]

    def _scopes(self, response: Response, sent_at: float) -> list[str]:
        bad = self.scopes.receive(response, sent_at)
        self._open_listeners()
        return bad

    def _open_listeners(self, excused: Kind | None = None) -> None:
        """Open those that wait for nothing more; after a refusal none waits for anything of that kind."""
        if excused:
            self.excused[excused] |= self.interest[excused]
        for name, listener in list(self.warming_listeners.items()):
            scoped = self.scopes.needed_by(listener)
            if scoped is None:
                continue
            needed = {
                Kind.ROUTE: [*listener.content["rds"], *scoped],
                Kind.SECRET: listener.content["sds"],
                Kind.EXTENSION: [FILTER],
            }
            if all(self._has_all(kind, names) for kind, names in needed.items()):
                self._drain(name, since=listener.sent_at)
                self.active[Kind.LISTENER][name] = self.warming_listeners.pop(name)
                self.scopes.judge_listener(listener)

    def _has_all(self, kind: Kind, names: list[str]) -> bool:
        return all(name in self.active[kind] or name in self.excused.get(kind, ()) for name in names)

    def _drain(self, listener: str, since: float) -> None:
        if listener in self.active[Kind.LISTENER]:
            self.draining.append(replace(self.active[Kind.LISTENER].pop(listener), sent_at=since))

    def end_drains(self, until: float = inf) -> None:
        """The time is over that connections of listeners that changed by then are let live on."""
        over = [each for each in self.draining if each.sent_at <= until]
        if over:
            self.draining = [each for each in self.draining if each.sent_at > until]
            self._update_interest()

    def _routes(self, response: Response, sent_at: float) -> list[str]:
        new = {entry.name: held(entry, sent_at) for entry in response.entries}
        bad = [name for name, route in new.items() if route.content["bad"]]
        if bad:  # every listener that waits for routes hears of the failure, and waits no longer
            self.scopes.refused_routes(list(new))
            self._open_listeners(excused=Kind.ROUTE)
            self.keeps_routes |= new.keys()
            return bad
        for name, route in new.items():
            if name in self.interest[Kind.ROUTE]:
                self._judge_route(route)
                had_some = name in self.active[Kind.ROUTE]
                self.active[Kind.ROUTE][name] = route
                self.keeps_routes.discard(name)
                if had_some:
                    self.scopes.judge_routes(name)
        self._open_listeners()
        self._judge_filter()
        return []

    def _extensions(self, response: Response, sent_at: float) -> list[str]:
        for entry in response.entries:
            if entry.name in self.interest[Kind.EXTENSION]:
                self.active[Kind.EXTENSION][entry.name] = held(entry, sent_at)
        self._open_listeners()
        self._judge_filter()
        return []

    # -- what must never happen

    def _judge_filter(self) -> None:
        """A route has the filter on only as long as somebody configures it.

        Where what is published is refused, an older one stays, or the last good one is given to a new Envoy.
        """
        configured = self.active[Kind.EXTENSION].get(FILTER)
        for name, route in self.active[Kind.ROUTE].items():
            if route.content.get("on") and configured and configured.content["idle"]:
                is_old = name in self.keeps_routes or self.is_bad(name)
                assert is_old, f"{route} has the filter on, and nobody configures it"

    def _judge_route(self, route: Held) -> None:
        for name in route.content["clusters"]:
            if name in self.active[Kind.CLUSTER] or name in self.refused_clusters:
                continue
            if not self.exists(Kind.CLUSTER.key(name)):
                continue  # a last good version, given to a new Envoy after what it used was deleted
            assert name in self.known_clusters, f"{route} came, but its cluster {name} never did"
            warming = self.warming.get(name)
            if warming is None:
                continue  # it was here and went: judged when it went
            waited = route.sent_at - warming.sent_at
            least = self.timing.short_grace if warming.content["stuck"] else self.timing.patience
            assert waited >= least - 1e-6, f"{route} came {waited} s after its cluster {name}, which still warms"

    def _judge_withdrawal(self, cluster: str) -> None:
        for listener in (*self.active[Kind.LISTENER].values(), *self.draining):
            for name in {*listener.content["rds"], *self.scopes.routes}:
                route = self.active[Kind.ROUTE].get(name)
                assert not (route and cluster in route.content["clusters"]), f"{cluster} was taken away from {route}"


def _spoiled(new: dict[str, Held]) -> list[str]:
    return [name for name, each in new.items() if each.content["bad"] == "rules"]

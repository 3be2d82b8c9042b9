"""HTTPRoutes and GRPCRoutes of Mappings, and their policies. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from convert.fields import MAPPING_SAID, MAPPING_UNSAID, OF_ROUTES, tell_unsaid
from convert.resolvers import leads_to_pods
from convert.to_gateway.backends import Backends, reference
from convert.to_gateway.doors import Door, Doors
from convert.to_gateway.filters import Member, header_filters, redirect_filter, rewrite_filter
from convert.to_gateway.gateways import VERSION
from convert.to_gateway.groups import MOST_PARENTS, Group, doors_for, hostnames_of, is_everywhere
from convert.to_gateway.matches import MAPPING_STAYS, call_matches, http_matches
from convert.values import At, Document, Made, at, copied, plain, without_nothing
from convert.world import World
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.service_names import parse
from translator.fields.upgrades import upgrades_of
from translator.ir import ObjectKey

POLICY: Final = "getambassador.io/v3alpha1"
_LARGEST_PART: Final = 99_999
_GUARDING: Final = ("host_regex", "resolver", "tls", "regex_rewrite", "regex_redirect")
"""Without what these say a request would go elsewhere than it does: who says one of them is not converted."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Makes routes of groups."""

    world: World
    doors: Doors
    backends: Backends
    narrower: dict[str, frozenset[str]]
    has_auth: bool

    def of(self, group: Group) -> tuple[list[Made], list[ObjectKey]]:
        """What a group becomes, with its policy, and the Mappings that it takes the place of."""
        keys = [*group.members, *([group.shadow] if group.shadow else [])]
        for key in keys:
            tell_unsaid(self.world.notes, key, self.world.spec(key), MAPPING_SAID.union(_GUARDING), MAPPING_UNSAID)
        doors = doors_for(group, self.doors)
        hostnames = hostnames_of(self.world.notes, group, self.narrower)
        if hostnames is None or not self._can_all(keys) or not self._is_served(group, doors):
            return [], []
        spec = self._spec(group.first)
        calls = call_matches(group.first, spec, group.demands, self.world.notes) if len(group.members) == 1 else None
        kind = "HTTPRoute" if calls is None else "GRPCRoute"
        matches = calls
        if matches is None:
            matches = http_matches(self.world.notes, group.first, spec, group.demands)
        members = [self._member(key, kind) for key in group.members]
        if matches is None or None in members:
            return [], []
        every = [each for each in members if each is not None]
        made = list(self._objects(group, every, kind, matches, doors, hostnames))
        return made, keys if made else []

    def _spec(self, key: ObjectKey) -> MappingSpec:
        spec = self.world.mappings[key].value
        assert spec is not None  # noqa: S101 -- those that are stopped are in no group
        return spec

    def _can_all(self, keys: list[ObjectKey]) -> bool:
        """Whether none of them says what decides where requests go, and cannot be said."""
        found = True
        for key in keys:
            spec, raw = self._spec(key), self.world.spec(key)
            said = [name for name in _GUARDING if raw.get(name)]
            for name in said:
                if name == "regex_redirect" and not spec.redirects:
                    continue
                if name == "resolver" and leads_to_pods(self.world, raw[name], key.split("/")[2]):
                    continue
                found = False
                reason = MAPPING_UNSAID[name][0] + MAPPING_STAYS
                self.world.notes.lost(key, f"spec.{name}", reason, MAPPING_UNSAID[name][1])
        return found

    def _is_served(self, group: Group, doors: list[Door]) -> bool:
        if doors:
            return True
        for key in group.members:
            said = f"no Host and Listener that are converted serve it{MAPPING_STAYS}"
            self.world.notes.lost(key, "spec.hostname", said, "convert them together, or mend them first")
        return False

    def _member(self, key: ObjectKey, kind: str) -> Member | None:
        spec = self._spec(key)
        if spec.redirects:
            return Member(key, spec, None)
        reached = self.backends.reached(key, spec, self.world.mappings[key].namespace, kind)
        return Member(key, spec, reached) if reached is not None else None

    def _objects(
        self,
        group: Group,
        members: list[Member],
        kind: str,
        matches: list[At],
        doors: list[Door],
        hostnames: tuple[str, ...],
    ) -> Iterator[Made]:
        first = members[0]
        by_scheme: dict[str, list[Door]] = {"": doors}
        if first.spec.redirects and parse(first.spec.service).scheme is None:
            by_scheme = {}
            for door in doors:
                by_scheme.setdefault("https" if door.by_tls else "http", []).append(door)
        name, space = first.key.rpartition("/")[2], self.world.mappings[first.key].namespace
        for place, (scheme, some) in enumerate(by_scheme.items()):
            called = self.world.free(kind, space, name if not place else f"{name}-{scheme}")
            rule = self._rule(group, members, kind, matches, scheme)
            if rule is None:
                return
            metadata: Document = {**self.world.metadata(first.key), "name": called}
            spec = without_nothing(
                {
                    "parentRefs": self._parents(group, some, hostnames),
                    "hostnames": at([at(each, first.key, "spec.hostname") for each in hostnames], first.key),
                    "rules": [rule],
                }
            )
            document = {"apiVersion": VERSION, "kind": kind, "metadata": metadata, "spec": spec}
            if not hostnames:
                spec.pop("hostnames", None)
            yield Made(document, tuple(each.key for each in members) + ((group.shadow,) if group.shadow else ()))
            yield from self._policy(_arrived(group, members), first, kind, called)

    def _parents(self, group: Group, doors: list[Door], hostnames: tuple[str, ...]) -> list[Document]:
        space = self.world.mappings[group.first].namespace
        found: list[Document] = []
        for gateway in dict.fromkeys(door.gateway for door in doors):
            named = {"name": gateway[1], **({"namespace": gateway[0]} if gateway[0] != space else {})}
            if is_everywhere(doors, gateway, hostnames, self.doors):
                found.append(named)
            else:
                found += [{**named, "sectionName": door.name} for door in doors if door.gateway == gateway]
        if len(found) > MOST_PARENTS:
            said = f"comes by {len(found)} listeners, and a route names {MOST_PARENTS} at most: the others are left out"
            self.world.notes.lost(group.first, "spec.hostname", said, "write another route for them")
        return found[:MOST_PARENTS]

    def _rule(self, group: Group, members: list[Member], kind: str, matches: list[At], scheme: str) -> Document | None:
        first, notes, space = members[0], self.world.notes, self.world.mappings[group.first].namespace
        filters: list[At] = header_filters(self.world, _arrived(group, members))
        if first.spec.redirects:
            redirect = redirect_filter(notes, first, scheme)
            return None if redirect is None else {"matches": matches, "filters": [*filters, redirect]}
        rewrites = [rewrite_filter(notes, each) if kind == "HTTPRoute" else None for each in members]
        alike = len({repr(plain(each)) for each in rewrites}) == 1
        if alike and rewrites[0] is not None:
            filters.append(rewrites[0])
        mirror = self._mirror(group, kind, space)
        if mirror is not None:
            filters.append(mirror)
        refs = []
        for each, weight, rewrite in zip(members, group.weights, rewrites, strict=True):
            if each.reached is not None:
                own = {} if alike or rewrite is None else {"filters": [rewrite]}
                share = weight if len(members) > 1 else None
                ref = reference(each.reached, space, each.key, share, **own)
                refs.append(ref if each is first else At(ref.value, ((each.key, ""), (each.key, "apiVersion"))))
        said: dict[str, Any] = {"matches": matches, "filters": filters, "backendRefs": refs}
        said["timeouts"] = self._timeouts(members) if kind == "HTTPRoute" else None
        return without_nothing(said)

    def _timeouts(self, members: list[Member]) -> Document | None:
        given = {each.spec.timeout_ms for each in members}
        if len(given) > 1:
            for each in members[1:]:
                if each.spec.timeout_ms != members[0].spec.timeout_ms:
                    said = "a rule has one timeout for all of its backends"
                    self.world.notes.lost(each.key, "spec.timeout_ms", said, "say the same in all")
        limit = members[0].spec.timeout_ms
        return None if limit is None else {"request": at(duration(limit), members[0].key, "spec.timeout_ms")}

    def _mirror(self, group: Group, kind: str, space: str) -> At | None:
        if group.shadow is None:
            return None
        key, spec = group.shadow, self._spec(group.shadow)
        reached = self.backends.reached(key, spec, space, kind)
        if reached is None:
            return None
        said = "a copy has the Host of the request, without -shadow behind it"
        self.world.notes.otherwise(key, "spec.shadow", said, "nothing, unless the service wants it so")
        share = None if spec.weight is None else at(spec.weight, key, "spec.weight")
        mirror = without_nothing({"backendRef": reference(reached, space, key, None), "percent": share})
        fields = ((key, ""), (key, "apiVersion"), (key, "spec.shadow"))
        return At({"type": "RequestMirror", "requestMirror": mirror}, fields)

    def _policy(self, members: list[Member], named: Member, kind: str, name: str) -> Iterator[Made]:
        """What a route cannot say, and a RoutePolicy can. Of members that say different things the last counts."""
        first = named.key
        said: Document = {}
        for field in sorted(OF_ROUTES - ({"timeout_ms"} if kind == "HTTPRoute" else set())):
            for each in members:
                value = self.world.spec(each.key).get(field)
                if value is not None:
                    said[field] = copied(value, each.key, f"spec.{field}")
        if said.get("auth_context_extensions") is not None and self.has_auth:
            said["external_auth"] = True
        elif "auth_context_extensions" in said:
            said.pop("auth_context_extensions")
            self.world.notes.otherwise(first, "spec.auth_context_extensions", "no AuthService is told of it", "nothing")
        if named.spec.bypass_auth and self.has_auth:
            said.pop("auth_context_extensions", None)
            said["external_auth"] = at(False, first, "spec.bypass_auth")
        self._errors_left(members, said)
        upgrades = upgrades_of([(each.spec.allow_upgrade, each.spec.use_websocket) for each in members])
        others = sorted(set(upgrades.protocols if upgrades else ()) - {"websocket"})
        if others:
            text = f"routes change to WebSockets alone, and not to {', '.join(others)}"
            self.world.notes.lost(first, "spec.allow_upgrade", text, "keep the Mapping")
        if said:
            metadata = self.world.metadata(first, name)
            metadata = {part: metadata[part] for part in ("name", "namespace") if part in metadata}
            metadata["name"] = self.world.free("RoutePolicy", named.key.split("/")[2], name)
            spec = {"targetRefs": [{"kind": kind, "name": name}], **said}
            yield Made({"apiVersion": POLICY, "kind": "RoutePolicy", "metadata": metadata, "spec": spec}, ())

    def _errors_left(self, members: list[Member], said: Document) -> None:
        """Where all of them want errors as they are, a policy says so; it says one thing for all of a route."""
        left = [each.key for each in members if each.spec.bypass_error_response_overrides]
        if not left:
            return
        if len(left) == len(members):
            said["error_response_overrides"] = at([], left[0], "spec.bypass_error_response_overrides")
            return
        text = "a policy says what clients read instead of errors for a whole route"
        for key in left:
            self.world.notes.lost(key, "spec.bypass_error_response_overrides", text, "say the same in all")


def _arrived(group: Group, members: list[Member]) -> list[Member]:
    """Members in the order in which the last one's word counts."""
    return [members[place] for place in group.by_arrival]


def duration(milliseconds: int) -> str:
    """A duration as Gateway API writes it (GEP-2257): parts of at most five digits."""
    whole, rest = divmod(milliseconds, 1_000)
    if not rest and whole <= _LARGEST_PART:
        return f"{whole}s"
    if milliseconds <= _LARGEST_PART:
        return f"{milliseconds}ms"
    parts = ((whole // 3_600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"), (rest, "ms"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)

"""All Ingresses: a Gateway for their hosts, a route for each Ingress, and its policies. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from convert.from_ingress import policies
from convert.from_ingress.reading import INGRESS, Given, ingresses_of
from convert.from_ingress.rules import (
    by_canary,
    filters_of,
    match_of,
    redirect_rule,
    references,
    rewrite_of,
)
from convert.to_gateway.gateways import VERSION, class_of, grant
from convert.values import At, Converted, Document, Made, at, first_free, without_nothing
from convert.world import World
from translator.ingress.paths import EVERY, Asked
from translator.ir import ObjectKey

NAME: Final = "ingress"
HTTP: Final = "http"
_MOST_LISTENERS: Final = 63
_MOST_RULES: Final = 16
_MOST_MATCHES: Final = 8
"""Of one rule: a route has 128 at most."""
_MOST_HOSTS: Final = 16


@dataclass(slots=True)
class _Whole:
    world: World
    given: list[Given]
    canaries: dict[tuple[str, str, str, str], Given] = field(default_factory=dict)
    """Of each namespace, host and path, the canary."""
    secured: dict[str, tuple[str, str, str, ObjectKey]] = field(default_factory=dict)
    """Of each host with a certificate: the name of its listener, the Secret, and the Ingress that says it."""
    name: str = NAME
    """The name of the Gateway."""

    def listeners(self) -> Iterator[At | Document]:
        """One for clear text, and one for each host with a certificate."""
        ports = self.world.options.ingress_ports
        yield {"name": HTTP, "port": ports[0], "protocol": "HTTP", "allowedRoutes": _everyone(self.given, self.world)}
        for host, (name, namespace, secret, key) in self.secured.items():
            other = {} if namespace == self.world.options.namespace else {"namespace": namespace}
            said: Document = {
                "name": name,
                "port": ports[1],
                "protocol": "HTTPS",
                "hostname": host,
                "tls": {"certificateRefs": [{"name": at(secret, key, "spec.tls"), **other}]},
                "allowedRoutes": _everyone(self.given, self.world),
            }
            yield without_nothing(said)

    def find_certificates(self) -> None:
        """The first Ingress that has a certificate for a host, and a rule for it."""
        notes = self.world.notes
        for each in self.given:
            spec = each.understood.owner.ingress.spec
            hosts = [asked.place.host for asked in each.understood.owner.asked if asked.place.host != EVERY]
            _, _, namespace, _ = each.key.split("/", 3)
            for place, tls in enumerate(spec.tls if spec else ()):
                if tls.secret_name is None:
                    continue
                for host in tls.hosts or dict.fromkeys(hosts):
                    if host not in hosts or host in self.secured:
                        continue
                    if len(self.secured) >= _MOST_LISTENERS or len(self.world.options.ingress_ports) < 2:
                        said = "is left out: a Gateway has 64 listeners at most, and there is one port of HTTPS"
                        notes.lost(each.key, f"spec.tls[{place}]", said, "write another Gateway for it")
                        continue
                    names = [each[0] for each in self.secured.values()]
                    name = first_free(f"https-{host.replace('*', 'any').replace('.', '-')}", names)
                    self.secured[host] = (name, namespace, tls.secret_name, each.key)

    def routes(self, given: Given) -> Iterator[Made]:
        """The routes of an Ingress: one for each set of hosts that have the same paths."""
        by_host: dict[str, list[Asked]] = {}
        for asked in given.understood.owner.asked:
            by_host.setdefault(asked.place.host, []).append(asked)
        alike: dict[tuple[Any, ...], list[str]] = {}
        for host, paths in by_host.items():
            is_secured = host in self.secured and given.treatment.https != "never"
            where = tuple((each.where, each.place.kind, each.text) for each in paths)
            alike.setdefault((host == EVERY, is_secured or given.treatment.https == "always", where), []).append(host)
        name = given.key.rpartition("/")[2]
        for (is_every, by_tls, _), hosts in alike.items():
            for start in range(0, len(hosts), _MOST_HOSTS):
                some = hosts[start : start + _MOST_HOSTS]
                yield from self._route(given, name, [] if is_every else some, by_host[some[0]], by_tls=by_tls)

    def _route(
        self, given: Given, called: str, hosts: list[str], paths: list[Asked], *, by_tls: bool
    ) -> Iterator[Made]:
        rules = [rule for asked in paths for rule in self._rules(given, asked, "https" if by_tls else "http")]
        secured = [self.secured[host][0] for host in hosts if host in self.secured]
        sections = secured if by_tls else [HTTP, *secured]
        if len(secured) < max(1, len(hosts)):
            said = "has no certificate for a host, which is not served by HTTPS: nothing is shown in its place"
            self.world.notes.otherwise(given.key, "spec.tls", said, "name a Secret for the host")
        for host in hosts:
            if host.startswith("*."):
                said = f"{host} stands for one label before the dot, and in a route for any number"
                self.world.notes.otherwise(given.key, "spec.rules", said, "nothing, or name the hosts")
        if rules and sections:
            yield from self._made(given, called, hosts, rules, sections)
        if by_tls:
            code = int(given.treatment.https_code)
            redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": code}}
            matches = [{"path": found[0]} for each in paths if (found := match_of(self.world.notes, given, each))]
            parts = [matches[start : start + _MOST_MATCHES] for start in range(0, len(matches), _MOST_MATCHES)]
            redirects = [{"matches": part, "filters": [redirect]} for part in parts]
            yield from self._made(given, f"{called}-to-https", hosts, redirects, [HTTP])

    def _made(
        self, given: Given, called: str, hosts: list[str], rules: list[Document], sections: list[str]
    ) -> Iterator[Made]:
        """Routes of as many rules as one may have."""
        space = given.key.split("/")[2]
        gateway = {"name": self.name, **({"namespace": self._own} if space != self._own else {})}
        for start in range(0, len(rules), _MOST_RULES):
            name = self.world.free("HTTPRoute", space, called)
            spec = without_nothing(
                {
                    "parentRefs": [{**gateway, "sectionName": section} for section in sections],
                    "hostnames": [at(host, given.key, "spec.rules") for host in hosts],
                    "rules": rules[start : start + _MOST_RULES],
                }
            )
            document = {
                "apiVersion": VERSION,
                "kind": "HTTPRoute",
                "metadata": _metadata(self.world, given.key, name),
                "spec": spec,
            }
            yield Made(document, (given.key,))

    @property
    def _own(self) -> str:
        return self.world.options.namespace

    def _rules(self, given: Given, asked: Asked, scheme: str) -> Iterator[Document]:
        notes, treatment = self.world.notes, given.treatment
        matched = match_of(notes, given, asked)
        if matched is None:
            return
        match, is_prefix = matched
        fields = (f"{asked.where}.path", asked.where)
        path = at(match, given.key, *fields)
        if treatment.redirect is not None:
            yield {"matches": [{"path": path}], "filters": [redirect_rule(notes, given, treatment.redirect)]}
            return
        if treatment.root is not None and asked.text == "/":
            path_ = {"type": "ReplaceFullPath", "replaceFullPath": treatment.root}
            to = {"scheme": scheme, "path": path_, "statusCode": 302}
            yield {
                "matches": [{"path": {"type": "Exact", "value": "/"}}],
                "filters": [{"type": "RequestRedirect", "requestRedirect": to}],
            }
        where = f"{asked.where}.backend" if asked.place.kind != "rest" else asked.where
        backends = references(self.world, given, asked.backend, where)
        rewrite = rewrite_of(given, asked, is_prefix=is_prefix)
        if isinstance(rewrite, str):
            said = f"{rewrite}; the path is not converted"
            notes.lost(given.key, given.path_of("rewrite"), said, "have the service know the path")
            return
        if backends is None:
            return
        filters = filters_of(notes, given, rewrite)
        canary = self.canaries.get((given.key.split("/")[2], *asked.place))
        yield from self._shared(canary, path, filters, backends, asked)

    def _shared(
        self,
        canary: Given | None,
        path: At,
        filters: list[At | Document],
        backends: list[Document],
        asked: Asked,
    ) -> Iterator[Document]:
        """The rule of a path, and those of its canary."""
        others = None
        if canary is not None:
            theirs = next(each for each in canary.understood.owner.asked if each.place == asked.place)
            others = references(self.world, canary, theirs.backend, f"{theirs.where}.backend")
        if canary is not None and others is not None:
            for header, mine in by_canary(canary, self.world.notes):
                refs = others if mine else backends
                yield without_nothing(
                    {"matches": [{"path": path, "headers": [header]}], "filters": filters, "backendRefs": refs}
                )
            said = canary.treatment.canary
            if said is not None and said.weight:
                weights = (said.weight_total - said.weight, said.weight)
                backends = [{**backends[0], "weight": weights[0]}, {**others[0], "weight": weights[1]}]
        yield without_nothing({"matches": [{"path": path}], "filters": filters, "backendRefs": backends})


def _everyone(given: list[Given], world: World) -> Document | None:
    spaces = {each.key.split("/")[2] for each in given}
    return None if spaces <= {world.options.namespace} else {"namespaces": {"from": "All"}}


def _metadata(world: World, key: ObjectKey, name: str) -> Document:
    """Without the annotations of ingress-nginx, which mean nothing to a route."""
    found = world.metadata(key, name)
    kept = {
        each: text
        for each, text in (found.pop("annotations").value if "annotations" in found else {}).items()
        if "ingress" not in each
    }
    return {**found, **({"annotations": kept} if kept else {})}


def from_ingresses(world: World, *, has_class: bool = False) -> Converted:
    """A Gateway and routes of Ingresses; `has_class`: a GatewayClass was made already."""
    given = list(ingresses_of(world))
    whole = _Whole(world, [each for each in given if each.treatment.canary is None])
    for each in given:
        if each.treatment.canary is not None:
            for asked in each.understood.owner.asked:
                whole.canaries.setdefault((each.key.split("/")[2], *asked.place), each)
    if not whole.given:
        return Converted((), world.notes.told, frozenset())
    for key in set(world.of_kind(INGRESS)) - {each.key for each in given}:
        ports = " and ".join(map(str, world.options.ingress_ports))
        said = f"stays, and keeps the ports {ports}: until it is gone the Gateway has none of them"
        world.notes.lost(key, "", said, "give the Gateway a class with addresses of their own, or other ports")
    whole.name = world.free("Gateway", world.options.namespace, NAME)
    whole.find_certificates()
    class_name, classes = class_of(world)
    own = world.options.namespace
    spec = {"gatewayClassName": class_name, "listeners": [without_nothing(_plain(each)) for each in whole.listeners()]}
    gateway = {"apiVersion": VERSION, "kind": "Gateway", "metadata": {"name": whole.name}, "spec": spec}
    made = [*([] if has_class else classes), Made(gateway, ()), policies.of_gateway(world, whole.name)]
    others = sorted({namespace for _, namespace, _, _ in whole.secured.values()} - {own})
    made += [grant(world, other, ("Gateway", own), "Secret") for other in others]
    reaches: dict[tuple[str, str], Document] = {}
    for each in whole.given:
        routes = list(whole.routes(each))
        made += [*routes, *policies.of_routes(world, each, routes)]
        policies.reach(world, each, reaches)
    made += [policies.of_backend(world, *name, said) for name, said in reaches.items() if said]
    return Converted(tuple(made), world.notes.told, frozenset(each.key for each in given))


def _plain(listener: At | Document) -> Document:
    return listener.value if isinstance(listener, At) else listener

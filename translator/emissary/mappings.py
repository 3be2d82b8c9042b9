"""What a Mapping means by itself: what it asks of requests, and where they go."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Final, Literal

from translator import ir
from translator.checks import regex
from translator.decode import Invalid, Problem, few, join, step
from translator.emissary.association import Association
from translator.emissary.backends import Backends, Found, Wanted
from translator.emissary.fields.redirect import redirect_of
from translator.emissary.grouping import Demands, GroupKey, HostPattern, demands_of, group_key
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.objects import Read
from translator.emissary.pitfalls import is_normalized, of_normalized
from translator.emissary.precedence import Constraint
from translator.emissary.settings import MappingDefaults, Settings
from translator.fields.upstream import has_none_of_its_own, upstream_features
from translator.ir import ObjectKey
from translator.kubernetes.selectors import Selector
from translator.options import Options
from translator.remembering import shared
from translator.values import dataclass

NOWHERE: Final = Found(None)


@dataclass(frozen=True, slots=True)
class Member:
    """A Mapping that is understood, as a member of its group.

    `match` is what it asks of a request but for the host, which may go without saying, and its share.
    """

    namespace: str
    name: str
    spec: MappingSpec
    demands: Demands
    selectors: frozenset[Selector]
    group: GroupKey
    match: ir.RouteMatch
    target: ir.Backend | ir.Redirect
    service_host: str
    service_port: int
    asks_hosts: str
    """A key for what decides which Hosts serve it."""

    @property
    def called(self) -> str:
        """Its name for people."""
        return f"Mapping {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Understood:
    """What became of a Mapping; `member` is None when a problem stops it."""

    member: Member | None
    problems: tuple[Problem, ...] = ()


class Understanding:
    """Each Mapping by itself: the function behind the table of members."""

    def __init__(self, settings: Settings, backends: Backends, association: Association, options: Options) -> None:
        self._settings = settings
        self._backends = backends
        self._association = association
        self._options = options

    def understand(self, _: ObjectKey, row: Read[MappingSpec]) -> Understood:
        """What a Mapping means, apart from the others."""
        spec = row.value
        if spec is None:
            return Understood(None, row.problems)
        defaults = self._settings.mapping_defaults()
        demands = demands_of(spec)
        problems = [*row.problems]
        if _REGEXES(spec) != _NO_REGEXES:
            problems += _too_large(spec, defaults.regex_max_size)
        if not spec.prefix_regex and not is_normalized(spec.prefix):
            reasons = of_normalized(spec.prefix, self._settings.http_options())
            problems += [Problem("spec.prefix", reason, stops=False, sort="NeverAsked") for reason in reasons]
        lookup = self._options.namespace if defaults.own_namespace else row.namespace
        target, found = self._target_of(spec, row.namespace, lookup, defaults, problems)
        if target is None or (problems and any(problem.stops for problem in problems)):
            return Understood(None, tuple(problems))
        selectors = self._association.selectors_of(row.labels)
        member = Member(
            namespace=row.namespace,
            name=row.name,
            spec=spec,
            demands=demands,
            selectors=selectors,
            group=group_key(demands, selectors),
            match=match_of(spec, demands),
            target=target,
            service_host=found.host,
            service_port=found.port,
            asks_hosts=_asked_of_hosts(demands.host, selectors),
        )
        return Understood(member, tuple(problems))

    def _target_of(
        self, spec: MappingSpec, namespace: str, lookup: str, defaults: MappingDefaults, problems: list[Problem]
    ) -> tuple[ir.Backend | ir.Redirect | None, Found]:
        """Where requests go, and what was found of the service where there is one."""
        if spec.redirects:
            try:
                return redirect_of(spec.service, spec.redirect_paths, spec.redirect_response_code), NOWHERE
            except Invalid as invalid:
                problems.append(Problem("spec.service", invalid.message))
                return None, NOWHERE
        protocol: Literal["http1", "http2"] = "http2" if spec.grpc else "http1"
        plain = has_none_of_its_own(spec)
        features = defaults.features if plain else upstream_features(spec, defaults.upstream)
        wanted = Wanted(
            spec.service,
            spec.tls,
            protocol,
            spec.connect_timeout_ms,
            spec.cluster_tag,
            features,
            spec.resolver or defaults.resolver,
        )
        found = self._backends.find(wanted, namespace, lookup)
        problems.extend(found.problems)
        return found.backend, found


def _asked_of_hosts(host: HostPattern | None, selectors: frozenset[Selector]) -> str:
    named = "" if host is None else f"{host.kind} {host.text}"
    return shared("\n".join([named, *map(str, sorted(selectors))]) if selectors else named)


_REGEXES: Final = attrgetter(
    "prefix_regex",
    "host_regex",
    "method_regex",
    "regex_headers",
    "regex_query_parameters",
    "regex_rewrite",
    "regex_redirect",
)
_NO_REGEXES: Final = (False, False, False, None, None, None, None)


def _regexes_of(spec: MappingSpec) -> Iterator[tuple[str, str]]:
    """The regular expressions of a Mapping, with their paths; most have none."""
    if spec.prefix_regex:
        yield "spec.prefix", spec.prefix
    if spec.host_regex and spec.host:
        yield "spec.host", spec.host
    if spec.method_regex and spec.method:
        yield "spec.method", spec.method
    if spec.regex_headers:
        yield from ((join("spec.regex_headers", step(name)), text) for name, text in spec.regex_headers.items())
    if spec.regex_query_parameters:
        for name, text in spec.regex_query_parameters.items():
            yield join("spec.regex_query_parameters", step(name)), text
    if spec.regex_rewrite:
        yield "spec.regex_rewrite.pattern", spec.regex_rewrite.pattern
    if spec.regex_redirect:
        yield "spec.regex_redirect.pattern", spec.regex_redirect.pattern


def _too_large(spec: MappingSpec, limit: int) -> tuple[Problem, ...]:
    """Regular expressions beyond the Module's limit."""
    problems = []
    for where, text in _regexes_of(spec):
        try:
            regex(text, limit)
        except Invalid as invalid:
            problems.append(Problem(where, f"{invalid.message} (regex_max_size of the Module)"))
    return few(problems)


def match_of(spec: MappingSpec, demands: Demands) -> ir.RouteMatch:
    """What a Mapping asks of a request, but for the host."""
    path = ir.PathMatch(demands.path_kind, spec.prefix, spec.case_sensitive or demands.path_kind == "regex")
    if not demands.headers and not demands.queries:
        return ir.RouteMatch(path)
    return ir.RouteMatch(
        path=path,
        headers=tuple([ir.HeaderMatch(each.name, _text_of(each)) for each in demands.headers]),
        queries=tuple([ir.QueryMatch(each.name, _text_of(each)) for each in demands.queries]),
    )


def _text_of(constraint: Constraint) -> ir.TextMatch:
    return ir.TextMatch("regex" if constraint.regex else "exact", constraint.value)

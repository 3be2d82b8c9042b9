"""`labels` of Mappings and `default_labels` of the Module: by what the requests of a route are counted.

A group of labels is one descriptor. One that is wrong is left out alone, and told: if it stopped its Mapping, a mistake
in a limit would cost all requests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Annotated, Final, Literal

from translator.checks import HeaderName, PlainText
from translator.decode import Decoded, FrozenMap, Problem, Rule, decode, join, kind_shown, rule, step
from translator.decoding.findings import Findings
from translator.filters.rate_limit import Entry, Header, Known, RateLimits, Text
from translator.values import dataclass

_Filled = Annotated[PlainText, Rule(min_size=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCluster:
    """The name of the gateway."""

    key: Literal["source_cluster"] = field(default="source_cluster", metadata=rule("Says it once more."))


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationCluster:
    """The name of the service's cluster."""

    key: Literal["destination_cluster"] = field(default="destination_cluster", metadata=rule("Says it once more."))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAddress:
    """The address of the client."""

    key: Literal["remote_address"] = field(default="remote_address", metadata=rule("Says it once more."))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHeaders:
    """The value of a header."""

    key: _Filled = field(metadata=rule("The entry's key in the descriptor."))
    header_name: HeaderName = field(metadata=rule("The header."))
    omit_if_not_present: bool = field(
        default=False,
        metadata=rule("Where the header is absent: count without this entry; false: the group is not counted at all."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericKey:
    """A text."""

    value: _Filled = field(metadata=rule("The text."))
    key: _Filled = field(default="generic_key", metadata=rule("The entry's key in the descriptor."))
    v2Shorthand: bool = field(default=False, metadata=rule("How an older version said it."))  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Specifier:
    """One entry of a descriptor: exactly one of these."""

    source_cluster: SourceCluster | None = field(default=None, metadata=rule("The name of the gateway."))
    destination_cluster: DestinationCluster | None = field(
        default=None, metadata=rule("The name of the service's cluster.")
    )
    remote_address: RemoteAddress | None = field(default=None, metadata=rule("The address of the client."))
    request_headers: RequestHeaders | None = field(default=None, metadata=rule("The value of a header."))
    generic_key: GenericKey | None = field(default=None, metadata=rule("A text."))

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        found = sum(each is not None for each in self._said())
        if found != 1:
            yield Problem("", f"must have exactly one of its fields, not {found or 'none'}")

    def _said(self) -> tuple[object, ...]:
        return (
            self.source_cluster,
            self.destination_cluster,
            self.remote_address,
            self.request_headers,
            self.generic_key,
        )

    @property
    def entry(self) -> Entry:
        """The entry."""
        if self.request_headers:
            header = self.request_headers
            return Header(header.key, header.header_name.lower(), header.omit_if_not_present)
        if self.generic_key:
            return Text(self.generic_key.key, self.generic_key.value)
        if self.remote_address:
            return Known("remote_address")
        return Known("source_cluster" if self.source_cluster else "destination_cluster")


MOST_GROUPS: Final = 100
"""Of one domain: each is a descriptor that the service is told with each request."""

Specifiers = Annotated[tuple[Specifier, ...], Rule(min_size=1, max_size=100)]
Groups = tuple[Mapping[str, Specifiers], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    entries: Specifiers


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainDefaults:
    """What holds for all Mappings in a domain."""

    defaults: Specifiers = field(
        metadata=rule("Goes before each group of the domain; counted alone for Mappings without any.")
    )


def _left_out(problem: Problem, where: str) -> Problem:
    path = join(where, problem.path.removeprefix("entries"))
    said = f"{problem.message}; the group is left out" if problem.stops else problem.message
    return replace(problem, path=path, message=said, stops=False)


def _read_labels(value: object) -> Decoded[Mapping[str, Groups]]:
    """Read `labels`; what is wrong stops nothing but its own group."""
    problems = Findings()
    if not isinstance(value, dict):
        return Decoded(FrozenMap(), (_ignored("", "a mapping", value),))
    found: dict[str, Groups] = {}
    for domain, groups in value.items():
        where = step(domain)
        if not isinstance(groups, list):
            problems.add(_ignored(where, "a list", groups))
            continue
        if len(groups) > MOST_GROUPS:
            said = f"has {len(groups):,} groups, of which the first {MOST_GROUPS} count"
            problems.add(Problem(where, said, stops=False))
        first = enumerate(groups[:MOST_GROUPS])
        read = [_read_group(group, f"{where}[{index}]", problems) for index, group in first]
        found[domain] = tuple([group for group in read if group is not None])
    return Decoded(FrozenMap(found), problems.told())


def _read_group(group: object, where: str, problems: Findings) -> Mapping[str, Specifiers] | None:
    if not isinstance(group, dict) or len(group) != 1:
        problems.add(_ignored(where, "a mapping with one entry, the name of the group and its entries", group))
        return None
    ((name, entries),) = group.items()
    decoded = decode(_Group, {"entries": entries}, "")
    problems.extend(_left_out(problem, join(where, step(name))) for problem in decoded.problems)
    return FrozenMap({name: decoded.value.entries}) if decoded.value else None


def _ignored(where: str, wanted: str, value: object) -> Problem:
    shown = f"one with {len(value)}" if isinstance(value, dict) else kind_shown(value)
    return Problem(where, f"must be {wanted}, not {shown}; it is left out", stops=False)


_SCHEMA: Final = {"x-kubernetes-preserve-unknown-fields": True}
"""Open: what is wrong is left out and told here, and stops no Mapping at the API server either."""

Labels = Annotated[Mapping[str, Groups], Rule(convert=_read_labels, schema=_SCHEMA)]
DefaultLabels = Mapping[str, DomainDefaults]


def rate_limits_of(own: Labels | None, default: DefaultLabels, domain: str) -> RateLimits | None:
    """What is counted in a domain: the groups of the Mapping, each behind the defaults, else the defaults alone."""
    said = default.get(domain)
    before = _entries(said.defaults) if said else ()
    groups = own.get(domain) if own is not None else None
    if groups is None:
        return RateLimits((before,)) if before else None
    descriptors = tuple([before + _entries(specifiers) for group in groups for specifiers in group.values()])
    return RateLimits(descriptors) if descriptors else None


def _entries(specifiers: Iterable[Specifier]) -> tuple[Entry, ...]:
    return tuple([specifier.entry for specifier in specifiers])

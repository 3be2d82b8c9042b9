"""From a group of Mappings to its routes, with the fields that they have in common, and their order."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final

from translator import ir
from translator.decode import Problem
from translator.emissary.association import HostEntry
from translator.emissary.division import Placed, arrival_of, divide
from translator.emissary.fields.rewrite import RegexSubstitution, rewrite_of
from translator.emissary.filters import NOTHING, Shared, shared_of
from translator.emissary.grouping import HostPattern
from translator.emissary.hostnames import covers
from translator.emissary.kinds.mapping import AUTHORITY, MappingSpec
from translator.emissary.kinds.module import Defaults
from translator.emissary.mappings import Member
from translator.emissary.precedence import Order, order_of
from translator.emissary.settings import MappingDefaults
from translator.emissary.upgrading import with_upgrades
from translator.emissary.weights import WHOLE
from translator.features.idle_timeout import IdleTimeout
from translator.fields.header_edits import edits_of
from translator.fields.linkerd import linkerd_header, with_linkerd
from translator.fields.load_balancer import hash_policy_of
from translator.fields.priority import priority_of
from translator.fields.retry_policy import retry_policy_of
from translator.fields.shadow import mirror_of
from translator.fields.upgrades import upgrades_of
from translator.ir import ObjectKey
from translator.values import dataclass


def routes_of(
    members: Mapping[ObjectKey, Member],
    hosts: Sequence[HostEntry],
    defaults: MappingDefaults,
    filters: Callable[[MappingSpec, Shared], tuple[object, ...]],
) -> tuple[ir.Route, ...]:
    """The routes of a group.

    Args:
        members: its Mappings.
        hosts: the Hosts that serve it; whether the host must be asked for depends on them.
        defaults: what the Module says for Mappings.
        filters: what a Mapping says to HTTP filters, by itself and with its group.
    """
    division = divide(members)
    served = division.served
    if not served:
        return ()
    (_, first), _ = served[0]
    common = _common_of([placed for placed, _ in served], division.shadow, defaults)
    authority = authority_match(first.demands.host, hosts)
    order = group_order(first)
    routes = tuple(
        [
            ir.Route(
                name=f"{member.namespace}/{member.name}",
                match=_match_of(member.match, authority, reached),
                action=_action_of(member, common, defaults),
                order=(*order, place),
                headers=_with_linkerd(member, _edits_of(member, common, defaults), defaults),
                origins=(key,) if division.shadow is None else (key, division.shadow[0]),
                filters=filters(member.spec, common.filters),
            )
            for place, ((key, member), reached) in enumerate(served)
        ]
    )
    return with_upgrades(routes) if defaults.gathers_bodies else routes


@dataclass(frozen=True, slots=True)
class _Common:
    """What the members of a group share, as in Emissary: what a later one says holds for all."""

    edits: ir.HeaderEdits
    regex_rewrites: tuple[RegexSubstitution, ...]
    features: tuple[object, ...]
    mirrors: tuple[ir.Mirror, ...]
    filters: Shared


_SHARED: Final = attrgetter(
    "retry_policy",
    "allow_upgrade",
    "use_websocket",
    "priority",
    "regex_rewrite",
    "add_request_headers",
    "add_response_headers",
    "remove_request_headers",
    "remove_response_headers",
    "cors",
    "labels",
    "error_response_overrides",
)
_NOTHING_SHARED: Final = (None,) * 12
_BY_DEFAULT: Final = attrgetter(
    "retry_policy",
    "add_request_headers",
    "add_response_headers",
    "remove_request_headers",
    "remove_response_headers",
)
_NOTHING_BY_DEFAULT: Final = (None,) * 5
_NOTHING_IN_COMMON: Final = _Common(ir.NO_EDITS, (), (), (), NOTHING)
"""What most groups have: one Mapping that says none of it, as the Module does."""


def _common_of(served: list[Placed], shadow: Placed | None, defaults: MappingDefaults) -> _Common:
    is_plain = shadow is None and len(served) == 1 and _SHARED(served[0][1].spec) == _NOTHING_SHARED
    if is_plain and _BY_DEFAULT(defaults) == _NOTHING_BY_DEFAULT:
        return _NOTHING_IN_COMMON
    specs = [member.spec for _, member in (sorted(served, key=arrival_of) if len(served) > 1 else served)]
    own_policies = [spec.retry_policy for spec in specs]
    retries = retry_policy_of(own_policies, defaults.retry_policy, is_limited=defaults.is_buffer_limited)
    upgrades = upgrades_of([(spec.allow_upgrade, spec.use_websocket) for spec in specs])
    priority = priority_of([spec.priority for spec in specs])
    return _Common(
        edits=edits_of(specs, defaults),
        regex_rewrites=tuple([spec.regex_rewrite for spec in specs if spec.regex_rewrite]),
        features=tuple([feature for feature in (retries, upgrades, priority) if feature is not None]),
        mirrors=_mirrors_of(shadow[1], defaults) if shadow else (),
        filters=shared_of(specs),
    )


def _mirrors_of(shadow: Member, defaults: MappingDefaults) -> tuple[ir.Mirror, ...]:
    """The copies for a shadow, which are made when the Module's edits are done."""
    spec = shadow.spec
    if not isinstance(shadow.target, ir.Backend):
        return ()
    own = edits_of([spec], Defaults())
    edits = _with_linkerd(shadow, ir.HeaderEdits(own.add_request, own.remove_request), defaults)
    return (mirror_of(shadow.target, spec.weight, edits, _host_of(shadow)),)


def _edits_of(member: Member, common: _Common, defaults: MappingDefaults) -> ir.HeaderEdits:
    """What Mappings alike have in common; but what another object became, as a share of Knative's did, says it alone.

    By its headers Knative knows which revision a request is for.
    """
    return edits_of([member.spec], defaults) if "/" in member.name else common.edits


def _with_linkerd(member: Member, edits: ir.HeaderEdits, defaults: MappingDefaults) -> ir.HeaderEdits:
    wanted = defaults.linkerd if member.spec.add_linkerd_headers is None else member.spec.add_linkerd_headers
    if not wanted or not isinstance(member.target, ir.Backend):
        return edits
    return with_linkerd(edits, linkerd_header(member.service_host, member.service_port))


def _host_of(member: Member) -> str | None:
    return member.spec.host_rewrite or (member.service_host if member.spec.auto_host_rewrite else None)


def _action_of(member: Member, common: _Common, defaults: MappingDefaults) -> ir.Forward | ir.Redirect:
    spec, target = member.spec, member.target
    if isinstance(target, ir.Redirect):
        return target
    balancer = spec.load_balancer or defaults.upstream.load_balancer
    hashed = hash_policy_of(balancer) if balancer else None
    idle = () if spec.idle_timeout_ms is None else (IdleTimeout(spec.idle_timeout_ms),)
    return ir.Forward(
        backends=(ir.WeightedBackend(target),),
        rewrite=rewrite_of(spec.rewrite, common.regex_rewrites, member.match.path),
        host=_host_of(member),
        timeout_ms=defaults.timeout_ms if spec.timeout_ms is None else spec.timeout_ms,
        mirrors=common.mirrors,
        features=common.features + idle + ((hashed,) if hashed else ()),
    )


def _match_of(match: ir.RouteMatch, authority: ir.HeaderMatch | None, reached: int) -> ir.RouteMatch:
    if authority is None and reached == WHOLE:
        return match
    headers = match.headers if authority is None else (*match.headers, authority)
    return ir.RouteMatch(match.path, headers, match.queries, None if reached == WHOLE else ir.Share(reached))


def authority_match(host: HostPattern | None, hosts: Sequence[HostEntry]) -> ir.HeaderMatch | None:
    """What a request's host must be; None where every Host that serves the Mapping says so already.

    A Host of one name answers for nothing else, and to ask again for each route costs Envoy a lot.
    """
    if host is None or (host.kind == "glob" and all(covers(host.text, each.hostname) for each in hosts)):
        return None
    return ir.HeaderMatch(AUTHORITY, _authority_text(host))


def _authority_text(host: HostPattern) -> ir.TextMatch:
    if host.kind == "regex":
        return ir.TextMatch("regex", host.text)
    if host.text.startswith("*"):
        return ir.TextMatch("suffix", host.text[1:], ignore_case=True)
    if host.text.endswith("*"):
        return ir.TextMatch("prefix", host.text[:-1], ignore_case=True)
    return ir.TextMatch("exact", host.text, ignore_case=True)


def group_order(member: Member) -> Order:
    """Where the routes of a group stand."""
    demands = member.demands
    return order_of(
        demands.precedence, demands.path_kind, demands.prefix, demands.all_headers(), demands.queries, member.group
    )


def group_problems(
    members: Mapping[ObjectKey, Member], hosts: Sequence[HostEntry] | None, *, is_reached: bool
) -> dict[ObjectKey, tuple[Problem, ...]]:
    """What is wrong with the members of a group that none of them can see alone.

    Args:
        members: by their keys.
        hosts: that serve the group, if they are served themselves.
        is_reached: whether one of them is.
    """
    found: dict[ObjectKey, tuple[Problem, ...]] = {}
    if len(members) == 1 and is_reached:
        [alone] = members.values()
        if not alone.spec.shadow:
            return found
    if len(members) > 1 or any(member.spec.shadow for member in members.values()):
        found = {key: (problem,) for key, problem in divide(members).problems.items()}
    if not is_reached:
        for key, member in members.items():
            found[key] = (*found.get(key, ()), _unreached(member, hosts[0]) if hosts else _unserved(member))
    return found


def _unreached(member: Member, host: HostEntry) -> Problem:
    where = member.spec.host_spelling
    said = f"leads to no Host that is served: see Host {host.name}, which is stopped or has no Listener"
    if not host.declared:
        said = "is served nowhere: no Listener speaks HTTP"
    return Problem(f"spec.{where[0] if where else 'hostname'}", said, stops=False, reason="NotAttached")


def _unserved(member: Member) -> Problem:
    host = member.demands.host
    if host is None:
        return Problem(
            "spec.hostname",
            "is absent, and no Host selects the Mapping by its labels: nothing asks for it",
            stops=False,
            reason="NotAttached",
        )
    where = member.spec.host_spelling
    return Problem(
        f"spec.{where[0] if where else 'hostname'}",
        f"fits no Host: nothing asks for {host.text}",
        stops=False,
        reason="NotAttached",
    )

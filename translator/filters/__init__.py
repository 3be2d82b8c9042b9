"""The HTTP filters: one list, the same in every HTTP connection manager from the start, switched off.

A filter that is added to a listener drains the connections of that listener, and cuts off who does not go in time. So
none is ever added. A route, or all routes of a chain, switch a filter on, which costs no connection; and what can be
said only where the filter stands is given apart, by name (ECDS), before the routes that need it and taken away after
them. A filter that is off costs a request nothing that can be measured.

A filter is a file of its own here, which says what can be said of it, and one line in FILTERS. Requests go through the
list from its beginning, answers from its end.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from envoyapi.config_core_v3 import TypedExtensionConfig
from envoyapi.wire import Any, Message, any_of
from translator.filters import (
    address_rules,
    buffering,
    checks,
    client_rates,
    compression,
    cors,
    error_bodies,
    error_pages,
    external_auth,
    grpc_bridge,
    grpc_stats,
    grpc_web,
    log_marks,
    rate_limit,
    route_auth,
    scripts,
    sessions,
)
from translator.filters.part import AS_CONFIGURED, Discovered, HttpFilter, NameOf
from translator.ir import Backend

FILTERS: Final[tuple[HttpFilter, ...]] = (
    log_marks.FILTER,  # whoever answers a request further on: it is told of as its route has it
    # Emissary's order. The first ones see requests as clients sent them, and answers last, as clients get them.
    grpc_bridge.FILTER,  # makes gRPC of what the next ones then count
    grpc_web.FILTER,
    grpc_stats.FILTER,  # counts what was refused further on, too
    scripts.FILTER,  # may change what the rest decides by
    compression.FILTER,  # compresses what all behind it made of an answer
    error_pages.FILTER,  # before all whose refusals are errors like others, and what it makes of them is compressed
    client_rates.FILTER,  # of who asks too often not even bodies are gathered
    buffering.FILTER,  # only bodies that are small enough come further
    address_rules.FILTER,  # nobody is asked about those who are out anyway
    cors.FILTER,  # a browser's preflight has no credentials: it is answered before anybody is asked
    error_bodies.FILTER,  # before all whose refusals are errors like others
    checks.FILTER,  # also where the authorization below is broken: nothing behind it may be reached then
    external_auth.FILTER,
    route_auth.FILTER,  # who is asked about a route is asked after who is asked about all
    rate_limit.FILTER,  # what is refused anyway is not counted
    sessions.FILTER,  # which pod gets a request is asked of those alone that get there
)

DISCOVERED: Final[Mapping[str, HttpFilter]] = {each.name: each for each in FILTERS if each.discovered}
"""Those whose configuration is given apart, by name."""

NAMED: Final = {each.name: each for each in FILTERS}
_SWITCHES: Final = {kind: (each.name, say) for each in FILTERS for kind, say in each.switches.items()}
_ASKING: Final = {kind: asking for each in FILTERS for kind, asking in each.asking.items()}
_OF: Final = {kind: each.name for each in FILTERS for kind in (*each.switches, *each.asking)}


def inherited(values: Iterable[object]) -> dict[str, Any]:
    """What routes say that do not say it themselves, where an index has filters wait for it that are always on."""
    found = {}
    for value in values:
        inside = NAMED[_OF[type(value)]].inside
        if inside is not None:
            found[inside[0]] = any_of(inside[1](value))
    return found


def switches_of(values: Iterable[object], name_of: NameOf | None = None) -> dict[str, Any] | None:
    """Envoy's typed_per_filter_config for the values of a route or of a chain; None where there are none.

    Args:
        values: of classes that filters list.
        name_of: of backends that a route's filters ask; a chain asks none.

    Raises:
        KeyError: when a value is of a class that no filter lists: a bug of ours.
    """
    found: dict[str, Any] = {}
    for value in values:
        asking = _ASKING.get(type(value))
        if asking is not None and name_of is not None:
            found[asking.inside or _OF[type(value)]] = any_of(asking.encode(value, name_of))
            if asking.inside:
                found[_OF[type(value)]] = any_of(AS_CONFIGURED)
            continue
        name, say = _SWITCHES[type(value)]
        found[name] = any_of(say(value))
        found |= inherited([value])
    return found or None


ANSWERED_BY_US: Final = switches_of([external_auth.DoNotAsk()])
"""What a route of our own that answers by itself says to filters: nobody has to allow its answer."""


def names_of(values: Iterable[object]) -> dict[str, bool]:
    """The filters that these values of a route are for."""
    return {_OF[type(value)]: True for value in values}


def backends_asked(values: Iterable[object]) -> Iterable[Backend]:
    """Where filters send requests of their own for these values of a route."""
    return [found for value in values if (asking := _ASKING.get(type(value))) for found in asking.backends(value)]


def switched_on(names: Iterable[str]) -> dict[str, Any]:
    """What an index says for filters that only some of the routes behind it have on: each says the rest itself."""
    return {name: any_of(NAMED[name].room or AS_CONFIGURED) for name in sorted(names)}


def switched_off(names: Iterable[str]) -> dict[str, Any] | None:
    """What a route says that is for none of these filters although they run."""
    words = {name: NAMED[name].off for name in sorted(names)}
    return {name: any_of(word) for name, word in words.items() if word is not None} or None


def answers_at_once(names: Iterable[str]) -> dict[str, Any]:
    """What a route of our own that answers by itself says where these filters run: it waits for no body."""
    return {buffering.FILTER.name: any_of(buffering.OFF)} if buffering.FILTER.name in names else {}


def configuration_of(name: str, value: object, name_of: NameOf) -> TypedExtensionConfig:
    """The resource that Envoy is given for a filter of DISCOVERED; `value` None: nobody says anything of it."""
    listed = DISCOVERED[name]
    message: Message = listed.idle
    if value is not None:
        message = _discovered(listed).encode(value, name_of)
    return TypedExtensionConfig(name=name, typed_config=any_of(message))


def backends_of(name: str, value: object) -> Iterable[Backend]:
    """Where a filter of DISCOVERED sends requests of its own."""
    return _discovered(DISCOVERED[name]).backends(value)


def _discovered(listed: HttpFilter) -> Discovered:
    if listed.discovered is None:
        raise TypeError(f"the configuration of {listed.name} stands in the listener")
    return listed.discovered

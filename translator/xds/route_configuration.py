"""Route configurations: virtual hosts that were encoded once, and what holds for all of them."""

from collections.abc import Iterable
from typing import Any

from envoyapi.config_core_v3 import HeaderValueOption
from envoyapi.config_route_v3 import RouteConfiguration, VirtualHost
from envoyapi.wire import SIZE, tag
from translator import ir
from translator.checks import VIA_HEADER
from translator.filters import switched_on, switches_of
from translator.resources import Resource, resource
from translator.values import dataclass
from translator.xds.headers import header_options

_VIA = header_options([ir.HeaderValue(VIA_HEADER, "1", append=False)])
_VIRTUAL_HOSTS = tag(2, 2)


@dataclass(frozen=True, slots=True)
class Head:
    """What holds for all virtual hosts of a chain: what their routes say to filters, and where HTTP/3 is spoken.

    `any_port`: hosts are looked up without the ports behind them.

    With an index there is more than one look-up: `forgets` is the header that the last one takes away, and `may_run`
    are the filters that the first one has on for the others' sake.
    """

    filters: tuple[Any, ...] = ()
    http3_port: int | None = None
    forgets: str | None = None
    may_run: tuple[str, ...] = ()
    any_port: bool = False


def listed(hosts: Iterable[VirtualHost]) -> bytes:
    """Virtual hosts as they stand in a route configuration, in their order."""
    return b"".join([_VIRTUAL_HOSTS + SIZE[len(host)] + host for host in hosts])


def encode_route_configuration(name: str, head: Head, hosts: bytes) -> Resource:
    """A route configuration; `hosts` is what `listed` gives."""
    switches = switched_on(head.may_run) | (switches_of(head.filters) or {})
    beginning = RouteConfiguration(
        name=name,
        request_headers_to_add=_VIA,
        request_headers_to_remove=[head.forgets] if head.forgets else None,
        response_headers_to_add=_alternatives(head.http3_port) if head.http3_port else None,
        # Else what is added here would win over what a Mapping says of the same header.
        most_specific_header_mutations_wins=True,
        ignore_port_in_host_matching=True if head.any_port else None,
        typed_per_filter_config=switches or None,
    )
    return resource(beginning + hosts)


def _alternatives(port: int) -> list[HeaderValueOption]:
    """Where the same is served by HTTP/3, for a day: RFC 7838. Behind a Service its port is the usual one."""
    said = ", ".join([f'h3=":{number}"; ma=86400' for number in dict.fromkeys((port, 443))])
    return header_options([ir.HeaderValue("alt-svc", said, append=False)])

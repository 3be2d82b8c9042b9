"""From listeners to filter chains: one for all clear text of a port, one in TLS for each listener. Pure.

A request belongs to the listener of its port whose hostname says the most of its host, and to no other, whether that
has a route for it or not (404), and whether that is served or not. In TLS a connection belongs to the listener that it
was made for: who asks on it for what another listener has is told so (421), also while that one is not served.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import nsmallest
from typing import Final, Literal

from translator import ir
from translator.gateway.conditions import MOST_NAMED, Condition, named, true
from translator.gateway.hostnames import EVERY, best, covers, domains, server_names, wider
from translator.gateway.listeners import SPEAKING_HTTP, ListenerKey, port_of
from translator.ir import ObjectKey
from translator.ir.hosts import bucket_of, bucketed
from translator.ir.ports import Port
from translator.values import dataclass

_CLEAR: Final = "cleartext"

Bucket = tuple[ir.VirtualHost, ...]

MOST_BESIDE: Final = 100
"""Hostnames at a port that each chain in TLS lists one by one, so as to tell those that another listener has from those
that nobody has. Where there are more all others count as another's: else each of N listeners would list all N."""


@dataclass(frozen=True, slots=True)
class Served:
    """A listener that is served. `tls` None: in clear text, or in TLS that is passed through.

    `shared`: it opens nothing, and has the name together with somebody who does.
    """

    key: ListenerKey
    gateway: ObjectKey
    port: int
    hostname: str
    tls: ir.TlsTermination | None
    protocol: str = "HTTP"
    shared: ir.Shared | None = None

    @property
    def speaks_http(self) -> bool:
        """Whether requests come in, and not only connections."""
        return self.protocol in SPEAKING_HTTP

    @property
    def place(self) -> Port:
        """Its port."""
        return port_of(self.protocol, self.port)

    @property
    def chain(self) -> str:
        """The name of its chain for requests, which those in clear text have together."""
        place = _CLEAR if self.tls is None else f"{self.hostname or '*'}:tls"
        return f"{listener_name(self.place)}/{place}"


def listener_name(port: Port) -> str:
    """The name of the listener at a port."""
    transport, number = port
    return f"gateway:{number}:udp" if transport == "UDP" else f"gateway:{number}"


def virtual_host_name(port: int, listener: str, hostname: str) -> str:
    """The name of the virtual host for a hostname of a listener, which is told by its own."""
    return f"{listener_name(('TCP', port))}/{listener or '*'}/{hostname or '*'}"


def frame_of(name: str, own: Sequence[Served], taken: Collection[str], common: ir.HttpOptions) -> ir.FilterChain:
    """The chain of a name as it is without any route.

    Args:
        name: of the chain.
        own: its listeners; in TLS that is one.
        taken: the hostnames of all listeners at the port, those that are not served too.
        common: how HTTP is spoken everywhere.
    """
    first = own[0]
    hosts = [_virtual_host(each, each.hostname) for each in own if best(each.hostname, taken) == each.hostname]
    here = {domain for host in hosts for domain in (host.hostname, *host.also)}
    beside = taken if first.tls is None or len(taken) <= MOST_BESIDE else _within(first.hostname, taken)
    others = [domain for hostname in beside for domain in domains(hostname) if domain not in here]
    hosts += _closed(others, "reject" if first.tls is None else "misdirected")
    if len(hosts) > 1:
        hosts = [_guarded(host) for host in hosts]
    options = replace(common, stat_prefix="ingress_http" if first.tls is None else "ingress_https")
    body = ir.HttpChain(options, ir.Hosts.of(sorted(hosts, key=_by_hostname)), any_port=True)
    origins: tuple[ObjectKey, ...] = tuple(dict.fromkeys(each.key[0] for each in own))
    wanted = server_names(first.hostname) if first.tls else ()
    return ir.FilterChain(name, listener_name(first.place), wanted, first.tls, body, origins)


def chain_of(frame: ir.FilterChain, of_routes: Mapping[tuple[ListenerKey, str], Bucket]) -> ir.FilterChain:
    """The chain, with the virtual hosts that routes of its listeners have, by listener and bucket."""
    body = frame.body
    if not of_routes or not isinstance(body, ir.HttpChain):
        return frame
    hosts = body.virtual_hosts
    buckets = dict(hosts.buckets) if isinstance(hosts, ir.Hosts) else bucketed(hosts)
    if len(hosts) == 1:  # and is so no more
        buckets = {bucket: tuple(map(_guarded, some)) for bucket, some in buckets.items()}
    for (_, bucket), some in sorted(of_routes.items()):
        buckets[bucket] = (*buckets[bucket], *some) if bucket in buckets else some
    return replace(frame, body=replace(body, virtual_hosts=ir.Hosts(buckets)))


def hosts_of_routes(listener: Served, names: Iterable[str], taken: Container[str]) -> Bucket:
    """The virtual hosts for hostnames of a listener's routes, of which no other listener says more; not for its own."""
    wanted = sorted({name for name in names if name != listener.hostname and best(name, taken) == listener.hostname})
    return tuple([_guarded(_virtual_host(listener, name)) for name in wanted])


def bucket_of_name(hostname: str) -> str:
    """The bucket of the virtual host of a hostname."""
    return bucket_of(domains(hostname)[0])


def _virtual_host(listener: Served, hostname: str) -> ir.VirtualHost:
    secure: Literal["never", "always"] = "never" if listener.tls is None else "always"
    first, *also = domains(hostname)
    name = virtual_host_name(listener.port, listener.hostname, hostname)
    return ir.VirtualHost(name, first, secure, "route", (listener.key[0],), also=tuple(also))


def _by_hostname(host: ir.VirtualHost) -> tuple[bool, str]:
    return not host.name, host.hostname


def _guarded(host: ir.VirtualHost) -> ir.VirtualHost:
    """A wide name does not answer for what is no name at all, such as `someone@` before one that another has."""
    is_wide = bool(host.name) and host.hostname.startswith("*")
    return replace(host, guards=(ir.Guard(status=404 if host.secure == "never" else 421),)) if is_wide else host


def _within(own: str, taken: Iterable[str]) -> list[str]:
    """The hostnames that one covers, and one for all that it does not."""
    wide = own == EVERY or own.startswith("*.")
    return [EVERY, *([each for each in taken if covers(own, each)] if wide else ())]


def _closed(domains: list[str], answer: Literal["reject", "misdirected"]) -> list[ir.VirtualHost]:
    """What answers for the names of listeners that the chain does not serve."""
    if not domains:
        return []
    first, *also = sorted(domains)
    return [ir.VirtualHost("", first, "never", answer, also=tuple(also))]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The listeners in TLS of a port, by their hostnames and by their certificates, so that each finds its own soon."""

    by_hostname: Mapping[str, ListenerKey]
    by_certificate: Mapping[ir.CertificateRef, tuple[ListenerKey, ...]]


def neighbours_of(served: Mapping[ListenerKey, Served]) -> Neighbours | None:
    """Those of a port; None where nothing there is in TLS."""
    names: dict[str, ListenerKey] = {}
    certificates: dict[ir.CertificateRef, list[ListenerKey]] = {}
    for key in sorted(served):
        tls = served[key].tls
        if tls is not None:
            names[served[key].hostname] = key
            for certificate in tls.certificates:
                certificates.setdefault(certificate, []).append(key)
    return Neighbours(names, {each: tuple(keys) for each, keys in certificates.items()}) if names else None


def overlapping(own: Served, near: Neighbours) -> Condition | None:
    """What is said of a listener in TLS of which another one's certificates, or hostnames, may stand for its hosts."""
    if own.tls is None or not own.speaks_http:
        return None
    wide = own.hostname == EVERY or own.hostname.startswith("*.")
    alike = {near.by_hostname[each] for each in wider(own.hostname) if each in near.by_hostname}
    alike |= {key for name, key in near.by_hostname.items() if covers(own.hostname, name)} if wide else set()
    reason, what = "OverlappingHostnames", "hostnames"
    others = alike - {own.key}
    if not others:
        others = {key for each in own.tls.certificates for key in near.by_certificate.get(each, ())} - {own.key}
        reason, what = "OverlappingCertificates", "certificates"
    if not others:
        return None
    names = named([f"{name} of {owner.split('/', 2)[2]}" for owner, name in nsmallest(MOST_NAMED, others)], len(others))
    said = f"its {what} overlap with those of {names}: requests for another listener's hosts are answered 421"
    return true("OverlappingTLSConfig", reason, said)

"""From Hosts and Listeners to filter chains: one for each name in TLS, and one for all clear text of a Listener.

A claim is a Host's wish to be served at a Listener. Claims for the same name are settled together: two Hosts cannot
have the same hostname there, nor different TLS settings under one name; the first by its key keeps what it has, the
other is told. So a change of one Host touches its own names, and the clear text chain that all share.

A chain may be asked for names that it was not made for. In TLS a connection belongs to the name that it was made for:
whoever asks for another on it is told so (421), by the chain of an exact name for every other name, by that of a wide
one, `*` or `*.example.com`, for the narrower names of other Hosts. In clear text a name belongs to its own Host alone,
also while that is stopped or answers nothing there: then there is nothing (404). Both hold for a name however it is
spelled. So a change of a Host touches its own chain, those of wider names, and the clear text.

But challenges of ACME are let through to a Host that is stopped, even where all wait for their certificates: that is
how they get them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from heapq import nsmallest
from typing import Final, Literal

from translator import ir
from translator.decode import Problem
from translator.emissary.hostnames import is_glob, server_names, server_of, spellings, wider, without_port
from translator.emissary.hosts import ServedHost
from translator.emissary.listeners import OpenPort
from translator.emissary.names import HostNames
from translator.emissary.security import is_shut, secure_of
from translator.ir import ObjectKey
from translator.values import dataclass

CLEAR_TEXT: Final = "cleartext"
TCP: Final = "tcp"
MISDIRECTED: Final = ir.VirtualHost("", "*", "never", "misdirected")
"""What answers on a connection that was made for another name."""

Names = Mapping[ObjectKey, tuple[str, ...]]
"""Hostnames, by the keys of their Hosts."""


def chain_name(listener: str, server_name: str) -> str:
    """The name of the chain for a name in TLS; never that of a clear text chain."""
    return f"{listener}/{server_name}" + (":tls" if server_name in {CLEAR_TEXT, TCP} else "")


def clear_text_name(listener: str) -> str:
    """The name of the chain for all HTTP in clear text."""
    return f"{listener}/{CLEAR_TEXT}"


def tcp_name(listener: str) -> str:
    """The name of the chain for all connections of a port."""
    return f"{listener}/{TCP}"


def listener_of(chain: str) -> str:
    """The listener in the name of a chain."""
    return chain.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Claim:
    """A Host at a Listener: it is served there in clear text, and perhaps by TLS."""

    listener: str
    host: ServedHost
    by_tls: bool


def claims_of(host: ServedHost, ports: Iterable[OpenPort]) -> dict[str, Claim]:
    """Where a Host is served, by the names of the chains that it would have in TLS."""
    claims: dict[str, Claim] = {}
    for port in ports:
        if port.http and port.binding and port.binding.includes(host) and not is_shut(port.model, host.action):
            name = chain_name(port.name, without_port(host.hostname))
            by_tls = port.tls and host.tls is not None
            if by_tls or not port.quic:
                claims[name] = Claim(port.name, host, by_tls=by_tls)
    return claims


@dataclass(frozen=True, slots=True)
class Settled:
    """The claims for one name that are kept, and why others are not, by the keys of their Hosts."""

    claims: tuple[Claim, ...]
    problems: Mapping[ObjectKey, Problem]


def settle(claims: Mapping[ObjectKey, Claim], taken_by: str | None) -> Settled:
    """Settle the claims for one name at one Listener.

    Args:
        claims: by the keys of their Hosts.
        taken_by: what already has the name in TLS, if anything: a TCPMapping, for people.
    """
    kept: list[Claim] = []
    by_hostname: dict[str, Claim] = {}
    first_by_tls: Claim | None = None  # all that are kept have its settings
    problems: dict[ObjectKey, Problem] = {}
    for key in sorted(claims):
        claim = claims[key]
        problem = _conflict(claim, by_hostname.get(claim.host.hostname), first_by_tls)
        if problem is not None:
            problems[key] = problem
            continue
        by_hostname[claim.host.hostname] = claim
        first_by_tls = first_by_tls or (claim if claim.by_tls and not taken_by else None)
        if claim.by_tls and taken_by:
            said = f"is not served by TLS at Listener {claim.listener}, where the name belongs to {taken_by}"
            problems[key] = Problem("spec.hostname", said, stops=False, reason="Conflict")
            kept.append(replace(claim, by_tls=False))
        else:
            kept.append(claim)
    return Settled(tuple(kept), problems)


def _conflict(claim: Claim, same: Claim | None, by_tls: Claim | None) -> Problem | None:
    """Why a claim is not kept beside the one for the `same` hostname, and the first one `by_tls`."""
    host = claim.host
    if same is not None:
        said = f"{host.hostname} is already served at Listener {claim.listener}, by Host {same.host.virtual_host}"
        return Problem("spec.hostname", said, reason="Conflict")
    if claim.by_tls and by_tls is not None and by_tls.host.tls != host.tls:
        said = f"must have the TLS settings of Host {by_tls.host.virtual_host}, since TLS knows both by one name"
        return Problem("spec.tlsSecret", said, reason="Conflict")
    return None


def may_have(port: OpenPort, names: HostNames) -> bool:
    """Whether a Host's names are known at a Listener: it is bound to it, or may be for all that can be read of it."""
    return port.http and port.binding is not None and port.binding.may_include(names)


def chains_beside(names: HostNames, ports: Iterable[OpenPort]) -> dict[str, tuple[str, ...]]:
    """The chains in TLS on which a Host's names may be asked for, each with those: their own and the wider ones."""
    found: dict[str, tuple[str, ...]] = {}
    for port in ports:
        if may_have(port, names):
            for hostname in names.hostnames:
                for server in (without_port(hostname), *wider(hostname)):
                    chain = chain_name(port.name, server)
                    found[chain] = (*found.get(chain, ()), hostname)
    return found


def tls_chain(
    name: str,
    settled: Settled,
    port: OpenPort,
    common: ir.HttpOptions,
    beside: Names,
    http3: OpenPort | None = None,
) -> ir.FilterChain | None:
    """The chain for a name in TLS, if it is served by TLS at all.

    Args:
        name: of the chain.
        settled: who has the name.
        port: the Listener.
        common: how HTTP is spoken everywhere.
        beside: the names of the Listener's Hosts for which its connections may be made, by the keys of these.
        http3: where HTTP/3 is spoken at a port of the same number.
    """
    hosts = [claim.host for claim in settled.claims if claim.by_tls]
    first = next(iter(hosts), None)
    names = server_names(first.hostname) if first else None
    if first is None or first.tls is None or names is None:
        return None
    options = port.http_options(common)
    served = [virtual_host(host, port, options, tls=True) for host in hosts]
    here = {host.hostname for host in served}
    others = {key: tuple([each for each in hostnames if each not in here]) for key, hostnames in beside.items()}
    closed = _closed(served, others, "misdirected")
    answers = [*_guarded(served, others, 421), *closed]
    if names:
        own = {host.key: (server_of(host.hostname),) for host in hosts}
        answers += _closed([*served, *closed], own, "reject")
        answers += _guarded(_guarded([MISDIRECTED], others, 421), own, 404) if is_glob(name) else [MISDIRECTED]
    is_beside = http3 is not None and http3.binding is not None and all(map(http3.binding.includes, hosts))
    return _chain(
        name, port, answers, options, names, first.tls.termination, http3.port if http3 and is_beside else None
    )


def ports_of(names: Iterable[str]) -> tuple[str, ...]:
    """The ports in names that are globs, each with its colon."""
    return tuple(sorted({name[len(without_port(name)) :] for name in names if is_glob(name)} - {""}))


def closed(
    present: Iterable[ir.VirtualHost], names: Names, answer: Literal["reject", "misdirected"], ports: tuple[str, ...]
) -> tuple[ir.VirtualHost, ...]:
    """What answers for names that none of the virtual hosts has, in every spelling that Envoy's domains can say.

    `ports` are those that wide names are spelled with.
    """
    taken = {domain for host in present for domain in (host.hostname, *host.also)}
    domains: dict[str, ObjectKey] = {}
    for key in sorted(names):
        for hostname in names[key]:
            for domain in (hostname, *spellings(hostname, ports)):
                if domain not in taken:
                    domains.setdefault(domain, key)
    if not domains:
        return ()
    first, *also = sorted(domains)
    origins = tuple(dict.fromkeys(domains.values()))
    return (ir.VirtualHost("", first, "never", answer, origins, also=tuple(also)),)


def _closed(
    present: list[ir.VirtualHost], names: Names, answer: Literal["reject", "misdirected"]
) -> tuple[ir.VirtualHost, ...]:
    return closed(present, names, answer, ports_of(host.hostname for host in present))


@dataclass(frozen=True, slots=True)
class Beside:
    """The names beside which a virtual host stands, as far as they matter to one with a wide name.

    `globs` are those without a port, but for `*`. `few` are two of the names, or all if there are no more.
    """

    globs: tuple[str, ...] = ()
    few: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Iterable[str]) -> "Beside":
        """What matters of these names."""
        found = set(names)
        wide = sorted(name for name in found if is_glob(name) and name != "*" and name == without_port(name))
        return cls(tuple(wide), tuple(nsmallest(2, found)))


def guarded(hosts: Iterable[ir.VirtualHost], beside: Beside, status: int) -> list[ir.VirtualHost]:
    """The virtual hosts, of which those for globs do not answer for what others are spelled as beyond domains."""

    def guards(hostname: str) -> tuple[ir.Guard, ...]:
        if not is_glob(hostname) or all(name == hostname for name in beside.few):
            return ()
        globs: list[str] = []
        if hostname.endswith("*"):
            globs = [name for name in beside.globs if name.startswith("*")]
        elif server_of(hostname) == "*":  # `*:8443` is a suffix for Envoy, which wins over the beginnings of names
            globs = [name for name in beside.globs if name.endswith("*")]
        return (ir.Guard(tuple(globs), status),)

    return [replace(host, guards=host.guards + found) if (found := guards(host.hostname)) else host for host in hosts]


def _guarded(hosts: list[ir.VirtualHost], names: Names, status: int) -> list[ir.VirtualHost]:
    return guarded(hosts, Beside.of(name for each in names.values() for name in each), status)


def virtual_host(host: ServedHost, port: OpenPort, options: ir.HttpOptions, *, tls: bool) -> ir.VirtualHost:
    """A Host as it is served on a chain of a Listener."""
    secure = secure_of(port.model, options, tls=tls)
    return ir.VirtualHost(host.virtual_host, host.hostname, secure, host.action, (host.key,))


def _chain(
    name: str,
    port: OpenPort,
    hosts: list[ir.VirtualHost],
    options: ir.HttpOptions,
    names: tuple[str, ...] = (),
    tls: ir.TlsTermination | None = None,
    http3_port: int | None = None,
) -> ir.FilterChain:
    served = tuple(sorted(hosts, key=lambda host: (not host.name, host.hostname)))  # Hosts first, for who reads it
    origins = tuple(dict.fromkeys(origin for host in served if host.name for origin in host.origins))
    return ir.FilterChain(
        name, port.name, names, tls, ir.HttpChain(options, served, http3_port=http3_port), origins, quic=port.quic
    )

"""From Hosts and Listeners to filter chains: one for each name in TLS, and one for all clear text of a Listener.

A claim is a Host's wish to be served at a Listener. Claims for the same name are settled together: two Hosts cannot
have the same hostname there, nor different TLS settings under one name; the first by its key keeps what it has, the
other is told. So a change of one Host touches its own names, and the clear text chain that all share.

A chain with a wide name, `*` or `*.example.com`, would also answer for narrower names whose Hosts ask more of clients:
a client certificate, or everything while they are stopped or answer nothing there. Such names are reserved: whoever
asks for one of them on a connection that was not made for it is told so (421), or in clear text finds nothing, also
with a port or a final dot behind the name. But challenges of ACME are let through, even where all Hosts wait for their
certificates: that is how they get them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from operator import attrgetter
from typing import Final, Literal

from translator import ir
from translator.decode import Problem
from translator.emissary.hostnames import covers, is_glob, server_names, spellings, without_port
from translator.emissary.hosts import ServedHost
from translator.emissary.listeners import OpenPort
from translator.emissary.security import is_shut, secure_of
from translator.ir import ObjectKey

CLEAR_TEXT: Final = "cleartext"
TCP: Final = "tcp"


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
            claims[name] = Claim(port.name, host, by_tls=port.tls and host.tls is not None)
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


def reserving(host: ServedHost, ports: Iterable[OpenPort]) -> dict[str, ServedHost]:
    """The clear text chains of the listeners that a Host is bound to and answers nothing at."""
    bound = [port for port in ports if port.http and port.binding and port.binding.includes(host)]
    return {clear_text_name(port.name): host for port in bound if host.stopped or is_shut(port.model, host.action)}


def demanding(settled: Settled) -> dict[str, tuple[ServedHost, ...]]:
    """The Hosts of a name that want a certificate of clients, by the name of their listener."""
    hosts = [claim.host for claim in settled.claims if claim.by_tls and claim.host.tls]
    found = tuple([host for host in hosts if host.tls and host.tls.termination.require_client_certificate])
    return {settled.claims[0].listener: found} if found else {}


def tls_chain(
    name: str, settled: Settled, port: OpenPort, common: ir.HttpOptions, reserved: Iterable[ServedHost]
) -> ir.FilterChain | None:
    """The chain for a name in TLS, if it is served by TLS at all.

    Args:
        name: of the chain.
        settled: who has the name.
        port: the Listener.
        common: how HTTP is spoken everywhere.
        reserved: Hosts of the Listener for which no other Host may answer.
    """
    hosts = [claim.host for claim in settled.claims if claim.by_tls]
    first = next(iter(hosts), None)
    names = server_names(first.hostname) if first else None
    if first is None or first.tls is None or names is None:
        return None
    options = port.http_options(common)
    served = [virtual_host(host, port, options, tls=True) for host in hosts]
    rejected = _covered(served, reserved)
    guarded = _beside(served, rejected, "misdirected")
    return _chain(name, port, guarded, options, names, first.tls.termination)


def clear_text_chain(
    name: str, hosts: list[ir.VirtualHost], port: OpenPort, common: ir.HttpOptions, reserved: Collection[ServedHost]
) -> ir.FilterChain | None:
    """The chain for all HTTP in clear text at a Listener, if anything is asked for. For `reserved`, see `tls_chain`."""
    stopped = [host for host in reserved if host.stopped]
    if not hosts and not stopped:
        return None
    names = {host.hostname for host in hosts}
    rejected = [*(host for host in stopped if host.hostname not in names), *_covered(hosts, reserved)]
    return _chain(name, port, _beside(hosts, rejected, "reject"), port.http_options(common))


def is_wide(settled: Settled) -> bool:
    """Whether the chain for a name may be asked for names of other Hosts."""
    return any(is_glob(claim.host.hostname) for claim in settled.claims)


def _covered(served: list[ir.VirtualHost], hosts: Iterable[ServedHost]) -> list[ServedHost]:
    """The Hosts whose names others would answer for."""
    names = {host.hostname for host in served}
    wide = [name for name in names if is_glob(name)]
    return [h for h in hosts if h.hostname not in names and any(covers(name, h.hostname) for name in wide)]


def _beside(
    served: list[ir.VirtualHost], rejected: Iterable[ServedHost], answer: Literal["reject", "misdirected"]
) -> list[ir.VirtualHost]:
    """The virtual hosts, and what answers in place of rejected Hosts: one a name, for the first Host by its key."""
    found = {host.hostname: host for host in sorted(rejected, key=attrgetter("key"), reverse=True)}
    globs = tuple(sorted(name for name in found if name.startswith("*")))
    status = HTTPStatus.MISDIRECTED_REQUEST if answer == "misdirected" else HTTPStatus.NOT_FOUND
    guarded = [
        replace(each, closed=globs, closed_status=int(status)) if globs and each.hostname == "*" else each
        for each in served
    ]
    taken = {each.hostname for each in served} | found.keys()
    for name, host in sorted(found.items()):
        also = tuple([each for each in spellings(name) if each not in taken])
        taken.update(also)
        guarded.append(ir.VirtualHost(host.virtual_host, name, "never", answer, (host.key,), also=also))
    return guarded


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
) -> ir.FilterChain:
    served = tuple(sorted(hosts, key=attrgetter("hostname")))
    origins = tuple([host.origins[0] for host in served])
    return ir.FilterChain(name, port.name, names, tls, ir.HttpChain(options, served), origins)

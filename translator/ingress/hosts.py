"""From hosts and certificates of Ingresses to filter chains: clear text together, in TLS one for each name. Pure.

A connection in TLS is for the name that it was made for. Who asks on it for another host is told so (421) and comes
again, which finds the certificate of that host.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal

from translator import ir
from translator.ingress.paths import EVERY
from translator.ir import ObjectKey

CLEAR: Final = "cleartext"
OTHERS: Final = "tls"
"""The chain in TLS for the names that have no certificate of their own."""


Scheme = Literal["http", "https"]


def listener_name(port: int) -> str:
    """The name of the listener at a port."""
    return f"ingress:{port}"


def chain_name(port: int, name: str) -> str:
    """The name of the chain for a name in TLS, or for one of the above."""
    return f"{listener_name(port)}/{name}" if name in {CLEAR, OTHERS} else f"{listener_name(port)}/{name}:tls"


def virtual_host_name(scheme: Scheme, host: str) -> str:
    """The name of the virtual host of a host, by which its routes know it."""
    return f"ingress/{scheme}/{host or '*'}"


def parent(host: str) -> str:
    """The host with a star that stands for this one; a host of one label has none, nor has one with a star."""
    rest = host.partition(".")[2]
    return f"*.{rest}" if rest and not host.startswith("*.") else EVERY


def candidates(host: str) -> Iterator[str]:
    """The hosts of rules that a name is served by, the first of which that there is counts."""
    yield host
    if parent(host) != EVERY:
        yield parent(host)
    yield EVERY


def over(host: str) -> Iterator[str]:
    """The names in TLS that connections for a host go by, of which the first that there is counts.

    To Envoy a star is any number of labels.
    """
    rest = host.removeprefix("*.")
    if host != EVERY:
        yield host
    while rest := rest.partition(".")[2]:
        yield f"*.{rest}"


def clear_chain(port: int, hosts: Iterable[str], common: ir.HttpOptions) -> ir.FilterChain:
    """The chain of all hosts in clear text."""
    found = guarded([_virtual_host("http", host, host) for host in sorted(hosts)])
    return _chain(port, CLEAR, found, replace(common, stat_prefix="ingress_http"), None)


def tls_chain(
    port: int,
    name: str,
    served: Mapping[str, str],
    tls: ir.TlsTermination,
    common: ir.HttpOptions,
    origin: ObjectKey,
) -> ir.FilterChain:
    """The chain for a name in TLS.

    Args:
        port: of HTTPS.
        name: that clients ask for; it may begin with a star.
        served: the hosts that are answered for, with the hosts of rules by which.
        tls: how TLS is ended.
        common: how HTTP is spoken everywhere.
        origin: the Ingress that has the certificate.
    """
    hosts = [_virtual_host("https", host, rules) for host, rules in sorted(served.items())]
    hosts.append(ir.VirtualHost("", "*", "never", "misdirected"))
    options = replace(common, stat_prefix="ingress_https")
    return replace(_chain(port, name, guarded(hosts), options, tls), server_names=(name,), origins=(origin,))


def passing_chain(port: int, name: str, backend: ir.Backend, origin: ObjectKey) -> ir.FilterChain:
    """The chain for a name whose TLS is passed on as it is."""
    body = ir.TcpChain((ir.WeightedBackend(backend),), "ingress_tls")
    return ir.FilterChain(chain_name(port, name), listener_name(port), (name,), None, body, (origin,), passthrough=True)


def others_chain(
    port: int, hosts: Iterable[str], elsewhere: Iterable[str], tls: ir.TlsTermination, common: ir.HttpOptions
) -> ir.FilterChain:
    """The chain for all other names in TLS; `elsewhere` are the names that have a chain."""
    found = [_virtual_host("https", host, host) for host in sorted(hosts)]
    here = {domain for host in found for domain in (host.hostname, *host.also)}
    away = [domain for name in sorted(elsewhere) for domain in _domains(name) if domain not in here]
    if away:
        found.append(ir.VirtualHost("", away[0], "never", "misdirected", also=tuple(away[1:])))
    return _chain(port, OTHERS, guarded(found, 421), replace(common, stat_prefix="ingress_https"), tls)


def guarded(hosts: list[ir.VirtualHost], status: int = 404) -> tuple[ir.VirtualHost, ...]:
    """A wide name does not answer for what is no name at all, such as `someone@` before one that another has."""
    if len(hosts) == 1:
        return tuple(hosts)
    return tuple(
        [
            replace(host, guards=(ir.Guard(status=status),)) if host.name and host.hostname.startswith("*") else host
            for host in hosts
        ]
    )


def _chain(
    port: int,
    name: str,
    hosts: tuple[ir.VirtualHost, ...],
    options: ir.HttpOptions,
    tls: ir.TlsTermination | None,
) -> ir.FilterChain:
    body = ir.HttpChain(options, hosts, any_port=True)
    return ir.FilterChain(chain_name(port, name), listener_name(port), (), tls, body)


def _virtual_host(scheme: Scheme, host: str, rules: str) -> ir.VirtualHost:
    first, *also = _domains(host)
    secure: Literal["never", "always"] = "never" if scheme == "http" else "always"
    return ir.VirtualHost(virtual_host_name(scheme, rules), first, secure, "route", also=tuple(also))


def _domains(host: str) -> tuple[str, ...]:
    """A host in Envoy's words; it may be written with a dot behind it."""
    return ("*",) if host == EVERY else (host, f"{host}.")

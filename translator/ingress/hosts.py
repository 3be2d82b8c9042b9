"""From hosts and certificates of Ingresses to filter chains: clear text together, in TLS one for each name. Pure.

A connection in TLS is for the name that it was made for. Who asks on it for another host is told so (421) and comes
again, which finds the certificate of that host.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from translator import ir
from translator.ingress.paths import EVERY
from translator.ir import ObjectKey
from translator.ir.hosts import bucket_of

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


Bucket = tuple[ir.VirtualHost, ...]


def bucket_of_host(host: str) -> str:
    """The bucket of the virtual host of a host."""
    return bucket_of(_domains(host)[0])


def clear_hosts(hosts: Iterable[str]) -> Bucket:
    """The virtual hosts of some hosts in clear text, beside others."""
    return tuple([_guarded(_virtual_host("http", host, host)) for host in sorted(hosts)])


def clear_chain(port: int, hosts: Mapping[str, Bucket], common: ir.HttpOptions) -> ir.FilterChain:
    """The chain of all hosts in clear text, which come by their buckets."""
    return _chain(port, CLEAR, _alone_or_beside(hosts), replace(common, stat_prefix="ingress_http"), None)


def tls_chain(
    port: int,
    name: str,
    served: Mapping[str, str],
    elsewhere: Iterable[str],
    tls: ir.TlsTermination,
    common: ir.HttpOptions,
    origin: ObjectKey,
) -> ir.FilterChain:
    """The chain for a name in TLS.

    Args:
        port: of HTTPS.
        name: that clients ask for; it may begin with a star.
        served: the hosts that are answered for, with the hosts of rules by which.
        elsewhere: the names below it that have a chain of their own.
        tls: how TLS is ended.
        common: how HTTP is spoken everywhere.
        origin: the Ingress that has the certificate.
    """
    hosts = [_virtual_host("https", host, rules) for host, rules in sorted(served.items())]
    hosts.append(ir.VirtualHost("", "*", "never", "misdirected"))
    if (others := away(elsewhere)) is not None:
        hosts.append(others)
    options = replace(common, stat_prefix="ingress_https")
    return replace(_chain(port, name, guarded(hosts), options, tls), server_names=(name,), origins=(origin,))


def passing_chain(port: int, name: str, backend: ir.Backend, origin: ObjectKey) -> ir.FilterChain:
    """The chain for a name whose TLS is passed on as it is."""
    body = ir.TcpChain((ir.WeightedBackend(backend),), "ingress_tls")
    return ir.FilterChain(chain_name(port, name), listener_name(port), (name,), None, body, (origin,), passthrough=True)


def others_hosts(hosts: Iterable[str]) -> Bucket:
    """The virtual hosts of some hosts in TLS that have no chain of their own."""
    return tuple([_guarded(_virtual_host("https", host, host), 421) for host in sorted(hosts)])


def away(elsewhere: Iterable[str]) -> ir.VirtualHost | None:
    """What answers for the names in TLS that have a chain, where that is not theirs."""
    names = [domain for name in sorted(elsewhere) for domain in _domains(name)]
    return ir.VirtualHost("", names[0], "never", "misdirected", also=tuple(names[1:])) if names else None


def others_chain(
    port: int,
    hosts: Mapping[str, Bucket],
    elsewhere: ir.VirtualHost | None,
    tls: ir.TlsTermination,
    common: ir.HttpOptions,
) -> ir.FilterChain:
    """The chain for all other names in TLS, whose hosts come by their buckets; `elsewhere` answers for the former."""
    found = dict(hosts)
    if elsewhere is not None:
        bucket = bucket_of(elsewhere.hostname)
        found[bucket] = (*found.get(bucket, ()), elsewhere)
    return _chain(port, OTHERS, _alone_or_beside(found), replace(common, stat_prefix="ingress_https"), tls)


def _alone_or_beside(hosts: Mapping[str, Bucket]) -> ir.Hosts:
    """Virtual hosts by their buckets; one that is alone has nobody's names to guard."""
    if len(hosts) == 1 and all(len(some) == 1 for some in hosts.values()):
        return ir.Hosts({bucket: (replace(host, guards=()),) for bucket, (host,) in hosts.items()})
    return ir.Hosts(dict(hosts))


def guarded(hosts: list[ir.VirtualHost], status: int = 404) -> tuple[ir.VirtualHost, ...]:
    """Virtual hosts beside each other."""
    return tuple([_guarded(host, status) for host in hosts] if len(hosts) > 1 else hosts)


def _guarded(host: ir.VirtualHost, status: int = 404) -> ir.VirtualHost:
    """A wide name does not answer for what is no name at all, such as `someone@` before one that another has."""
    is_wide = bool(host.name) and host.hostname.startswith("*")
    return replace(host, guards=(ir.Guard(status=status),)) if is_wide else host


def _chain(
    port: int,
    name: str,
    hosts: Sequence[ir.VirtualHost],
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

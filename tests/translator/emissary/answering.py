"""Who answers a request, by the IR: Envoy's choice of a filter chain and of a virtual host, as its documentation says.

A model in a few lines, so that a property can be asked of thousands of worlds; the same is asked of a real Envoy in
`tests/e2e/test_whose_name.py`.
"""

import re
from collections.abc import Iterable

from translator import ir

SHUT = 0
"""No chain takes the connection."""


def answer(chains: Iterable[ir.FilterChain], listener: str, sni: str | None, authority: str) -> str | int:
    """The name of the virtual host that answers, or the status of what is no Host's answer.

    `sni` None: in clear text.
    """
    found = _chain(chains, listener, sni)
    if found is None or not isinstance(found.body, ir.HttpChain):
        return SHUT
    host = _virtual_host(found.body.virtual_hosts, authority.lower())
    if host is None:
        return 404
    for guard in host.guards:
        if _is_forbidden(guard, authority):
            return guard.status
    if host.insecure == "misdirected":
        return 421
    return 404 if not host.name or (host.secure == "never" and host.insecure == "reject") else host.name


def _chain(chains: Iterable[ir.FilterChain], listener: str, sni: str | None) -> ir.FilterChain | None:
    """Source: Envoy, FilterChainMatch: the exact name, the longest wildcard, any."""
    named = {
        name: chain
        for chain in chains
        if chain.listener == listener and (chain.tls is None) == (sni is None)
        for name in chain.server_names or ("",)
    }
    labels = (sni or "").lower().split(".")
    wildcards = ["*." + ".".join(labels[place:]) for place in range(1, len(labels))]
    return next((named[name] for name in ((sni or "").lower(), *wildcards, "") if name in named), None)


def _virtual_host(hosts: Iterable[ir.VirtualHost], authority: str) -> ir.VirtualHost | None:
    """Source: Envoy, VirtualHost.domains: exact, the longest suffix, the longest prefix, `*`; a `*` is not empty."""
    domains: dict[str, ir.VirtualHost] = {}
    for host in hosts:
        for domain in (host.hostname, *host.also):
            assert domain not in domains, f"Envoy refuses {domain}, which stands there twice"
            domains[domain] = host
    if authority in domains:
        return domains[authority]
    longest = sorted(domains, key=len, reverse=True)
    for domain in longest:
        if domain[0] == "*" and len(domain) > 1 and len(authority) >= len(domain) and authority.endswith(domain[1:]):
            return domains[domain]
    for domain in longest:
        if (
            domain[-1] == "*"
            and len(domain) > 1
            and len(authority) >= len(domain)
            and authority.startswith(domain[:-1])
        ):
            return domains[domain]
    return domains.get("*")


def _is_forbidden(guard: ir.Guard, authority: str) -> bool:
    """What `translator.xds.guard` makes of it."""
    named = "|".join(re.escape(glob[1:]) for glob in guard.globs if glob[0] == "*")
    ported = bool(named) and re.fullmatch(rf"(?i).+(?:{named})\.?:.*", authority) is not None
    begun = any(authority.lower().startswith(glob[:-1]) for glob in guard.globs if glob[-1] == "*")
    return "@" in authority or ".." in authority or ported or begun

"""Whatever is declared, by whomever: a request comes to the listener whose hostname says the most of it, or to none.

The chosen virtual host is worked out as Envoy does it, and whose the request is as the API says it, from the objects.
"""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translator.gateway.gateway_world import GatewayWorld, to
from translator import ir

HOSTNAMES = ("", "*.test", "*.x.test", "x.test", "a.x.test")
HOSTS = ("x.test", "y.test", "a.x.test", "b.x.test", "test", "other")
PORT = 8443
LISTENERS = st.lists(
    st.tuples(st.sampled_from(HOSTNAMES), st.sampled_from(["served", "stopped", "through"])), min_size=1, max_size=4
)


def listener(number: int, hostname: str, what: str) -> dict[str, Any]:
    named = {"hostname": hostname} if hostname else {}
    if what == "through":
        return {"name": f"l{number}", "port": PORT, "protocol": "TLS", "tls": {"mode": "Passthrough"}, **named}
    tls = {"certificateRefs": [{"name": "cert" if what == "served" else "missing"}]}
    return {"name": f"l{number}", "port": PORT, "protocol": "HTTPS", "tls": tls, **named}


def covers(hostname: str, host: str) -> bool:
    return hostname in {"", host} or (
        hostname.startswith("*.") and host.endswith(hostname[1:]) and host != hostname[2:]
    )


def narrowest(hostnames: Iterable[str], host: str) -> str | None:
    found = [each for each in hostnames if covers(each, host)]
    return max(found, key=lambda each: (not each.startswith("*") and each != "", len(each)), default=None)


def picked(hosts: Iterable[ir.VirtualHost], host: str) -> ir.VirtualHost | None:
    """The virtual host that Envoy finds: an exact domain, the longest suffix, or `*`."""
    by_domain = {domain: each for each in hosts for domain in (each.hostname, *each.also)}
    wide = sorted([domain for domain in by_domain if domain.startswith("*.") and covers(domain, host)], key=len)
    return by_domain.get(host) or (by_domain[wide[-1]] if wide else by_domain.get("*"))


@given(st.lists(LISTENERS, min_size=1, max_size=3), st.lists(st.sampled_from(HOSTNAMES[1:]), max_size=2, unique=True))
@settings(max_examples=100, deadline=None)
def test_a_request_comes_to_the_listener_that_it_belongs_to_or_to_none(
    gateways: list[list[tuple[str, str]]], hostnames: list[str]
) -> None:
    made = GatewayWorld()
    made.gateway_class()
    made.service("red")
    made.certificate("cert")
    for number, listeners in enumerate(gateways):
        declared = [listener(place, *each) for place, each in enumerate(listeners)]
        made.gateway(f"g{number}", *declared, created=f"202{number}-01-01T00:00:00Z")
        made.route(f"r{number}", {"backendRefs": [to()]}, parentRefs=[{"name": f"g{number}"}], hostnames=hostnames)
        through: dict[str, Any] = {"kind": "TLSRoute", "hostnames": hostnames or ["*.test", "a.x.test"]}
        made.route(f"t{number}", {"backendRefs": [to()]}, parentRefs=[{"name": f"g{number}"}], **through)
    made.sweep()
    names = {hostname for listeners in gateways for hostname, _ in listeners}
    for name, chain in made.pipeline.intent.chains.view().items():
        if not name.startswith(f"gateway:{PORT}/") or not isinstance(chain.body, ir.HttpChain):
            continue
        own = next(iter(chain.server_names), "")
        for host in HOSTS:
            found, wanted = picked(chain.body.virtual_hosts, host), narrowest(names, host)
            if wanted == own:
                assert found is not None
                assert found.name.startswith(f"gateway:{PORT}/{own or '*'}/")
            elif wanted is not None:
                assert found is not None
                assert found.insecure == "misdirected"
            else:
                assert found is None
            for spelled in (f"someone@{host}", f"{host}.."):
                wide = picked(chain.body.virtual_hosts, spelled)
                assert wide is None or not wide.name or wide.guards or len(chain.body.virtual_hosts) == 1
    passed = [chain for chain in made.pipeline.intent.chains.view().values() if chain.listener == f"gateway:{PORT}"]
    for host in HOSTS:
        chain_of = {name: chain for chain in passed for name in chain.server_names or ("",)}
        said = narrowest(chain_of, host)
        body = chain_of[said].body if said is not None else None
        if isinstance(body, ir.TcpChain) and body.backends:
            assert chain_of[said or ""].name.startswith(f"gateway:{PORT}/{narrowest(names, host) or '*'}:tls/TLSRoute/")

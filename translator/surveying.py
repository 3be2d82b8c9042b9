"""What the page is told of the configuration: which names are served where, and the routes of one in their order. Pure.

It is asked now and then, by people, and of the page that they see alone: what is gone through is every name, or every
route of one name, and what is put into words are the few that are shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from translator import ir
from translator.explaining import Explainer, Told, certificate_told
from translator.wording import action_of
from translator.xds.names import cluster_name

MOST: Final = 200
"""So many hosts or routes are told at once."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A name at a filter chain; `number` is its place there, None where connections are passed on as they are.

    What only keeps requests from others, and serves none, is no name here.
    """

    name: str
    chain: ir.FilterChain
    listener: ir.Listener
    number: int | None = None
    host: ir.VirtualHost | None = None


class Surveyor:
    """Tells of the tables that an explainer knows."""

    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer

    def hosts(self, find: str, first: int, most: int, listener: str = "") -> Told:
        """The names that are served, by their names and ports, and where; those that have `find` in them.

        `listener`: those of this one, where it is not empty. All Listeners are told, too.
        """
        entries = (each for each in self._entries() if listener in ("", each.listener.name))
        found = [each for each in entries if find.lower() in each.name]
        found.sort(key=lambda each: (each.name.lstrip("*."), each.name, each.listener.port, each.chain.name))
        shown = found[max(first, 0) :][: _bounded(most)]
        listeners = sorted(self._explainer.intent.listeners.view().values(), key=lambda each: (each.port, each.name))
        return {
            "of": len(found),
            "hosts": [self._host(each) for each in shown],
            "listeners": [{"name": each.name, "port": each.port} for each in listeners[:MOST]],
        }

    def routes(self, name: str, number: int, find: str, first: int, most: int) -> Told:
        """What a virtual host is, and its routes in the order in which Envoy tries them; those that say `find`."""
        chain, body, host = self._explainer.host_at(name, number)
        listener = self._explainer.intent.listeners.view()[chain.listener]
        rules = sorted(self._explainer.rules_of(host), key=lambda each: each.order)
        found = [(place, each) for place, each in enumerate(rules) if _says(each, find)]
        shown = found[max(first, 0) :][: _bounded(most)]
        return {
            "host": self._host(_Entry(host.hostname, chain, listener, number, host)),
            "of": len(found),
            "all": len(rules),
            "routes": [{"place": place, **self._explainer.rule_told(each, None, body)} for place, each in shown],
        }

    def _entries(self) -> Iterator[_Entry]:
        listeners = self._explainer.intent.listeners.view()
        for chain in self._explainer.intent.chains.view().values():
            if not isinstance(chain.body, ir.HttpChain):
                yield _Entry(", ".join(chain.server_names) or "*", chain, listeners[chain.listener])
                continue
            for number, host in enumerate(chain.body.virtual_hosts):
                if host.name and host.insecure != "misdirected":
                    yield _Entry(host.hostname, chain, listeners[chain.listener], number, host)

    def _host(self, entry: _Entry) -> Told:
        chain, listener, host = entry.chain, entry.listener, entry.host
        tls = chain.tls
        body = chain.body
        return {
            "name": entry.name,
            "also": list(host.also) if host else [],
            "listener": listener.name,
            "port": listener.port,
            "protocol": _protocol(chain, listener),
            "chain": chain.name,
            "number": entry.number,
            "server_names": list(chain.server_names),
            "certificates": [certificate_told(each) for each in tls.certificates] if tls else [],
            "client_certificate": bool(tls and tls.require_client_certificate),
            "insecure": host.insecure if host and host.secure != "always" else None,
            "objects": self._explainer.objects_told(host.origins if host else chain.origins),
            "routes": sum(1 for _ in self._explainer.rules_of(host)) if host else None,
            "does": None if isinstance(body, ir.HttpChain) else _passed_on(body),
        }


def _protocol(chain: ir.FilterChain, listener: ir.Listener) -> str:
    if listener.by_datagrams:
        return "UDP"
    if not isinstance(chain.body, ir.HttpChain):
        return "TLS, passed through" if chain.passthrough else "TCP in TLS" if chain.tls else "TCP"
    return "HTTP/3" if chain.quic else "HTTPS" if chain.tls else "HTTP"


def _passed_on(body: ir.TcpChain | ir.UdpChain) -> Told:
    return action_of(ir.Forward(backends=body.backends), cluster_name)


def _says(route: ir.Route, find: str) -> bool:
    """Whether a text is in the path that a route asks for, or in the name of an object that it is of."""
    return not find or find in route.match.path.text or any(find in each for each in route.origins)


def _bounded(most: int) -> int:
    return min(max(most, 1), MOST)

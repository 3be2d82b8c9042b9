"""Connections of which two Envoys are asked whose they are: by port, in TLS by the name that is asked for, or in clear.

Asked is at a private listener that has the filter chains of the port, and tells each connection the name of the one
that Envoy chose for it; nothing is passed on. What becomes of a connection follows from its chain.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from diff.outline import Outline
from diff.proving import Asked
from translator import ir
from translator.explaining import Explainer, certificate_told
from translator.xds.private import CHAIN
from why.request import PATIENCE, introduction, unchecking

MOST: Final = 1_000
"""So many are asked at most."""
NOBODYS: Final = "nobody.invalid"
"""A name that nobody has, unless by a glob for every one."""
_CLIENT: Final = "127.0.0.1"
_ANY: Final = "any"
_REQUEST: Final = b"GET / HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n"
"""What is said: in clear text, so that Envoy need not wait to see that it is no TLS; where TLS ends it is answered."""
_PIECE: Final = 65_536

Report = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Connection:
    """A connection to a port; `name` is what is asked for in TLS, if anything is."""

    port: int
    by_tls: bool
    name: str = ""

    @property
    def asked(self) -> tuple[str, str]:
        """Its scheme and name, as for requests."""
        return "https" if self.by_tls else "http", self.name

    def __str__(self) -> str:
        """The connection for people."""
        if not self.by_tls:
            return f"tcp://:{self.port}"
        return f"tls://{self.name or '(no name)'}:{self.port}"


def every_connection(
    before: Outline, after: Outline, most: int = MOST, ports: frozenset[int] | None = None
) -> tuple[tuple[Connection, ...], int]:
    """Those of the ports where connections are passed on, on either side; and how many more there would be.

    `ports`: of these alone.
    """
    found: dict[Connection, None] = {}
    passing = {port for side in (before, after) for port in _passing(side) if ports is None or port in ports}
    for port in sorted(passing):
        names = {name for side in (before, after) for name in _names(side, port)}
        found[Connection(port, by_tls=False)] = None
        for name in ("", NOBODYS, *sorted(names)):
            found[Connection(port, by_tls=True, name=name)] = None
    chosen = tuple(found)
    return chosen[:most], len(chosen[most:])


def _passing(side: Outline) -> Iterator[int]:
    listeners = side.pipeline.intent.listeners.view()
    for chain in side.pipeline.intent.chains.view().values():
        if isinstance(chain.body, ir.TcpChain) and chain.listener in listeners:
            yield listeners[chain.listener].port


def _names(side: Outline, port: int) -> Iterator[str]:
    """The names that chains of a port are for, each as one that a client may ask for."""
    listeners = side.pipeline.intent.listeners.view()
    for chain in side.pipeline.intent.chains.view().values():
        listener = listeners.get(chain.listener)
        if listener is not None and listener.port == port and not (listener.quic or listener.by_datagrams):
            yield from (name.replace("*", _ANY) for name in chain.server_names)


def chains_of(side: Asked, those: Sequence[Connection]) -> dict[Connection, ir.FilterChain | None]:
    """The chain that Envoy chooses for each connection; None: it is closed, or nobody listens."""
    found: dict[Connection, ir.FilterChain | None] = {}
    for port in sorted({each.port for each in those}):
        found.update(_of_port(side, [each for each in those if each.port == port], port))
    return found


def becomes(
    chain: ir.FilterChain | None,
    target_of: Callable[[ir.Backend | None], str],
    name_of: Callable[[ir.Backend | None], str],
    *,
    by_tls: bool,
) -> tuple[Report, Report]:
    """What becomes of a connection by its chain: to whom it goes, and beside that how it is spoken with.

    Args:
        chain: that Envoy chose; None: it is closed.
        target_of: where a backend's endpoints come from; what is equal is the same.
        name_of: what a backend is called.
        by_tls: whether the client speaks TLS.
    """
    if chain is None or not isinstance(chain.body, ir.TcpChain):  # of requests others are asked
        return {"goes": "not passed on"}, {}
    tls = chain.tls if by_tls else None
    shown = {
        "certificates": sorted(map(certificate_told, tls.certificates)) if tls else [],
        "client": tls is not None and (tls.require_client_certificate or tls.client_ca is not None),
        "versions": repr(tls.versions) if tls else "",
    }
    shares: dict[str, float] = {}
    named: set[str] = set()
    whole = sum(each.weight for each in chain.body.backends)
    for each in chain.body.backends:
        if each.weight:
            target = target_of(each.backend)
            shares[target] = shares.get(target, 0.0) + round(100 * each.weight / whole, 2)
            named.add(name_of(each.backend))
    goes = {"shares": sorted(shares.items()), "in the client's TLS": by_tls and tls is None}
    if not shares:
        return {"goes": "not passed on"}, {}
    return goes, {**shown, "clusters": sorted(named), "idle": chain.body.idle_timeout_ms}


def leads(goes: Report, beside: Report) -> str:
    """What becomes of a connection, for people."""
    if "shares" not in goes:
        return str(goes["goes"])
    shares = ", ".join(f"{percent:g} %" for _, percent in goes["shares"])
    certificates = f", TLS ends by {', '.join(beside['certificates'])}" if beside["certificates"] else ""
    return f"to {', '.join(beside['clusters'])} ({shares}){certificates}"


def differs_at(connection: Connection, before: Report, after: Report) -> Report:
    """A connection of which something else becomes, beside requests that are answered otherwise."""
    method = "TLS" if connection.by_tls else "TCP"
    return {"method": method, "url": str(connection), "headers": [], "before": before, "after": after}


def _of_port(side: Asked, those: Iterable[Connection], port: int) -> Iterator[tuple[Connection, ir.FilterChain | None]]:
    those = list(those)
    packed = Explainer(side.outline.pipeline, lambda _: "").connections(port, [each.asked for each in those])
    if packed is None:
        yield from ((each, None) for each in those)
        return
    chains = side.outline.pipeline.intent.chains.view()
    with side.opened(packed) as path:
        for each in those:
            yield each, chains.get(_told(path, each))


def _told(path: Path, connection: Connection) -> str:
    """The name of its chain; empty: it was closed."""
    with socket.socket(socket.AF_UNIX) as talk:
        talk.settimeout(PATIENCE)
        try:
            talk.connect(str(path))
            talk.sendall(introduction(_CLIENT, connection.port))
            said = _in_tls(talk, connection.name) if connection.by_tls else _in_clear(talk)
        except (OSError, ssl.SSLError):
            return ""
    return said.partition(CHAIN)[2].partition(b"\n")[0].decode().strip()


def _in_clear(talk: socket.socket) -> bytes:
    _say(talk, _REQUEST)
    said = b""
    with contextlib.suppress(ConnectionResetError):  # so ends what is closed before all was read that was said
        while piece := talk.recv(_PIECE):
            said += piece
    return said


def _say(talk: socket.socket, words: bytes) -> None:
    """Envoy may have told all, and closed, before it is said more."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        talk.sendall(words)


def _in_tls(talk: socket.socket, name: str) -> bytes:
    """What is told inside of TLS where it ends, or at once where it is passed on."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = unchecking().wrap_bio(incoming, outgoing, server_hostname=name or None)
    outside = b""
    agreed = False
    while True:
        try:
            if not agreed:
                tls.do_handshake()
                agreed = True
                tls.write(_REQUEST)
            return tls.read(_PIECE)
        except ssl.SSLWantReadError:
            _say(talk, outgoing.read())
            piece = talk.recv(_PIECE)
            outside += piece
            if outside.startswith(CHAIN) or not piece:
                return outside if outside.startswith(CHAIN) else b""
            incoming.write(piece)

"""Which ports this start needs, and who has them: a taken port is told before anything starts.

Envoy listens with SO_REUSEPORT, so that a second gateway of the same user would not fail but take half of the first
one's connections. Therefore each port is tried without it.
"""

import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from entrypoint.folder import Document, demo_address, metadata, of_kind, spec
from process.settings import Settings


@dataclass(frozen=True, slots=True)
class Port:
    """A port to listen on. `purpose`: a noun phrase for people. `udp`: a UDP port, else TCP.

    `own`: a part of ours needs it, whatever the folder says. `demo`: the demo upstream's, which is no Listener either.
    """

    address: str
    number: int
    purpose: str
    udp: bool = False
    own: bool = False
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A port that cannot be listened on, and a sentence about it. `shared`: who has it shares it with others."""

    port: Port
    sentence: str
    shared: bool = False


def wanted(settings: Settings, found: list[Document]) -> list[Port]:
    """The ports that a start with these settings and these documents of the folder will listen on, each once."""
    demo = demo_address(found)
    ports = [
        Port(each.address, each.number, each.purpose, own=each.closed, demo=not each.closed)
        for each in replace(settings, demo_address=demo).own_ports
    ]
    listeners = of_kind(found, "Listener", settings.ambassador_id)
    if not listeners:
        ports += [
            Port(settings.bind_address, port, "requests, where no Listener says") for port in settings.default_ports
        ]
    for listener in listeners:
        port = spec(listener).get("port")
        if type(port) is int and 0 < port < 65536:  # any other is a problem that the translator tells
            name = metadata(listener).get("name", "?")
            udp = "UDP" in str(spec(listener).get("protocolStack", spec(listener).get("protocol")))
            addresses = (settings.bind_address, *settings.more_addresses)
            ports += [Port(address, port, f"the Listener {name}", udp) for address in addresses]
    more = {*settings.more_addresses}
    once = {(port.number, port.udp, port.address if port.address in more else ""): port for port in reversed(ports)}
    return list(once.values())[::-1]


def troubles(ports: list[Port]) -> list[Trouble]:
    """The ports that cannot be listened on."""
    return [trouble for port in ports if (trouble := _try(port))]


def fatal(ports: list[Port], found: list[Trouble]) -> bool:
    """Whether there is no start with these: a part of ours has no port, or nothing at all would be served.

    A single Listener that has none is told and harms no other, also at the next start. But where who has the port
    shares it (so does another gateway of the same user), Envoy would take half of its connections.
    """
    if any(trouble.port.own or trouble.shared for trouble in found):
        return True
    listeners = [port for port in ports if not port.own and not port.demo]
    return bool(listeners) and sum(not trouble.port.demo for trouble in found) == len(listeners)


def _try(port: Port) -> Trouble | None:
    try:
        _bind(port)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        reason = f"taken{_holder(port)}" if is_taken else _reason(port, error)
        sentence = f"port {port.number}, wanted for {port.purpose}, is {reason}"
        return Trouble(port, sentence, shared=is_taken and _is_shared(port))
    return None


def _is_shared(port: Port) -> bool:
    """Whether the port can be had as Envoy listens, beside who has it."""
    try:
        _bind(port, shared=True)
    except OSError:
        return False
    return True


def _bind(port: Port, *, shared: bool = False) -> None:
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if port.udp else socket.SOCK_STREAM) as tried:
        if not port.udp:  # connections that wait for their end do no harm
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if port.address == "::":  # every address of both families, as whoever listens will have it
            tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        tried.bind((port.address, port.number))


def _reason(port: Port, error: OSError) -> str:
    return f"not to be had on {port.address}: {error.strerror}"


def _holder(port: Port) -> str:
    """` by process N (its command)`, as far as /proc tells."""
    inodes = set(_inodes(port))
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and inodes & set(_sockets(process)):
            return f" by process {process.name} ({_command(process)})"
    return ""


def _inodes(port: Port) -> Iterator[str]:
    """The inodes of the sockets bound to the port: columns 2 (address:port in hex), 4 (state) and 10 (proc_net_tcp)."""
    listening = "07" if port.udp else "0A"
    for table in ("udp", "udp6") if port.udp else ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in (line.split() for line in lines):
            if columns[3] == listening and int(columns[1].rpartition(":")[2], 16) == port.number:
                yield columns[9]


def _sockets(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                yield target[len("socket:[") : -1]
    except OSError:  # another user's process, or one that just ended
        return


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return " ".join(word.decode(errors="replace") for word in words if word)[:120]

"""What of the process's settings, and of the machine that it runs on, matters to translation."""

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from process.settings import Settings
from translator.options import Options, OwnPort
from translator.values import dataclass

_STREAMS: Final = frozenset(("/dev/fd/1", "/dev/fd/2", "/dev/stdout", "/dev/stderr", "/dev/null"))
_LABEL: Final = re.compile(r'^([^=\n]+)="([^"\n]*)"$', re.MULTILINE)
_LOCAL: Final = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, or the pod, that we run in: its addresses, and the names that are known there to be one of them.

    `environment` and `openable` are as in `Options`.
    """

    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    openable: Callable[[str], str | None] = lambda _: None
    labels: Mapping[str, str] | None = None
    """Those of the pod; None where nobody tells them."""

    @classmethod
    def this(
        cls, proc: Path = Path("/proc/net"), hosts: Path = Path("/etc/hosts"), labels: Path | None = None
    ) -> "Machine":
        """As far as the kernel, /etc/hosts, where a pod's own names stand, and the downward API's file tell."""
        addresses = frozenset([*_of_family_4(proc / "fib_trie"), *_of_family_6(proc / "if_inet6")])
        names = frozenset([socket.gethostname().lower(), *_named(hosts, addresses)])
        return cls(addresses, names, dict(os.environ), unwritable, _labels(labels))


def options_of(settings: Settings, machine: Machine | None = None) -> Options:
    """What of the settings matters to translation; of which machine, where the objects are to be served there."""
    here = machine or Machine()
    return Options(
        ambassador_id=settings.ambassador_id,
        namespace=settings.namespace,
        bind_address=settings.bind_address,
        more_addresses=settings.more_addresses,
        strict_selectors=settings.strict_selectors,
        service_namespaces=_service_namespaces(settings),
        diagnostics_socket=str(settings.diagnostics_socket),
        own_ports=tuple([OwnPort(own.address, own.number, own.purpose, own.closed) for own in settings.own_ports]),
        own_addresses=here.addresses,
        own_names=here.names,
        default_ports=settings.default_ports,
        ingress_ports=settings.ingress_ports,
        istio_secret_dir=str(settings.istio_secret_dir or ""),
        system_authorities=str(settings.system_authorities),
        environment=here.environment,
        openable=lambda path: _ours(path, settings) or here.openable(path),
        pod_labels=here.labels,
        in_cluster=settings.config_dir is None,
        gateway=settings.gateway,
        knative=settings.knative,
        index_from=settings.index_from,
        route_stats=settings.route_stats,
    )


def _ours(path: str, settings: Settings) -> str | None:
    """Why a file must not be written, if it is where we keep ours, or where the objects come from."""
    file = Path(path).resolve()
    for folder, said in ((settings.run_dir, "of Dragoman's own files"), (settings.config_dir, "of the configuration")):
        if folder is not None and file.is_relative_to(folder.resolve()):
            return f"it is in the folder {said}"
    return None


def unwritable(path: str) -> str | None:
    """Why Envoy, which has our rights, could not write a file; None where it can."""
    file = Path(path)
    if path in _STREAMS:
        return None
    if file.is_dir():
        return "it is a folder"
    if file.exists() and not file.is_file():
        return "it is no file"  # whoever opens a pipe without a reader waits for one
    if file.exists():
        return None if os.access(file, os.W_OK) else "there is no right to"
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    return None if os.access(file.parent, os.W_OK) else f"there is no right to make a file in {file.parent}"


def _service_namespaces(settings: Settings) -> frozenset[str] | None:
    """The namespaces of which every Service is among the objects; None: all."""
    if settings.config_dir is not None or settings.label_selector or settings.field_selector:
        return frozenset()
    return frozenset(settings.namespaces) or None


def _of_family_4(trie: Path) -> list[str]:
    """The addresses of the kernel's table of local routes (proc(5) does not tell its form; fib_trie.c does)."""
    return _LOCAL.findall(_text(trie))


def _of_family_6(table: Path) -> list[str]:
    """The addresses of all interfaces: 32 digits without colons, then what else is known of them (proc(5))."""
    return [str(ipaddress.IPv6Address(int(line[:32], 16))) for line in _text(table).splitlines() if len(line) > 32]


def _named(hosts: Path, addresses: frozenset[str]) -> Iterator[str]:
    """The names of /etc/hosts that are one of the addresses, or of loopback."""
    for line in _text(hosts).splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            continue
        if found.is_loopback or str(found) in addresses:
            yield from (name.lower().removesuffix(".") for name in names)


def _labels(file: Path | None) -> dict[str, str] | None:
    """The labels in a file of the downward API: lines of `name="value"`; None where there is none."""
    found = dict(_LABEL.findall(_text(file))) if file is not None else {}
    return found or None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

"""Hosts: the names that are served, each with its TLS settings found.

A Host whose Secret is missing or broken is stopped: it is not served in clear text instead, nor by a Host with a wider
name, which may ask less of clients. Only where there is no Host object at all is every name served by default, as
Emissary does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from translator import ir
from translator.decode import Problem
from translator.emissary.association import HostEntry
from translator.emissary.hostnames import server_names
from translator.emissary.kinds.host import HostSpec
from translator.emissary.objects import NO_LABELS, Read, read_object
from translator.emissary.options import Options
from translator.emissary.secret_names import certificate_problem
from translator.emissary.security import ACTIONS, Action
from translator.emissary.settings import ALWAYS, Settings
from translator.emissary.termination import HostTls, Terminations
from translator.ir import ObjectKey, SecretRef
from translator.kubernetes.tables import KubernetesTables
from translator.tables import Table, Tables, read

KEY_PREFIX: Final = "getambassador.io/Host/"
DEFAULT_HOST: Final = "default-host"
FALLBACK_SECRET: Final = "fallback-self-signed-cert"  # noqa: S105  the name of one


@dataclass(frozen=True, slots=True)
class ServedHost:
    """A Host that is served; or one that would be, were it not `stopped` by a problem."""

    key: ObjectKey
    namespace: str
    name: str
    labels: Mapping[str, str]
    hostname: str
    tls: HostTls | None
    action: Action
    stopped: bool = False

    @property
    def virtual_host(self) -> str:
        """The name of its virtual host."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class _Understood:
    host: ServedHost | None
    problems: tuple[Problem, ...]
    stopped: ServedHost | None = None
    """What it would be, without its TLS."""


class Hosts:
    """The Hosts' tables: `entries` decide which Mappings are served, `served` which chains there are.

    Of `served`, `declared` are those that are objects. `stopped` are those of which the name is known, that nobody else
    may serve.
    """

    def __init__(
        self,
        tables: Tables,
        objects: Table[ObjectKey, bytes],
        kubernetes: KubernetesTables,
        terminations: Terminations,
        settings: Settings,
        options: Options,
    ) -> None:
        self._certificates = kubernetes.certificates
        self._terminations = terminations
        self._own = options.namespace
        found = tables.each(
            "hosts read", objects, lambda key, body: read_object(HostSpec, key, body, options.ambassador_id)
        )
        counted = tables.group("hosts counted", found, lambda _, __: {ALWAYS: True})
        self._any = tables.each("hosts exist", counted, lambda _, __: True)
        defaults = tables.group("default hosts", settings.always, lambda _, __: self._default_host())
        default = tables.each("default host", defaults, lambda _, members: members[ALWAYS])

        declared = tables.each("host entries", found, lambda _, row: _entry_of(row))
        default_entry = tables.each(
            "default host entry", default, lambda _, host: HostEntry(host.virtual_host, host.hostname)
        )
        self.entries: Table[ObjectKey, HostEntry] = tables.union("hosts for mappings", declared, default_entry)

        understood = tables.each("hosts understood", found, self._understand)
        self.declared: Table[ObjectKey, ServedHost] = tables.each("hosts declared", understood, lambda _, row: row.host)
        self.stopped: Table[ObjectKey, ServedHost] = tables.each(
            "hosts stopped", understood, lambda _, row: row.stopped
        )
        self.served: Table[ObjectKey, ServedHost] = tables.union("hosts", self.declared, default)
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "host problems", understood, lambda _, row: row.problems or None
        )

    def exist(self) -> bool:
        """Whether there is any Host object for us, served or not; for rules that a sweep runs."""
        return read(self._any, ALWAYS) is not None

    def _default_host(self) -> dict[ObjectKey, ServedHost]:
        if self.exist():
            return {}
        secret = SecretRef(self._own, FALLBACK_SECRET)
        problem = certificate_problem("", secret, read(self._certificates, (secret.namespace, secret.name)))
        usable = problem is None or not problem.stops
        tls = HostTls(ir.TlsTermination((secret,)), ()) if usable else None
        key = f"{KEY_PREFIX}{self._own}/{DEFAULT_HOST}"
        action: Action = "redirect" if usable else "route"
        return {key: ServedHost(key, self._own, DEFAULT_HOST, NO_LABELS, "*", tls, action)}

    def _understand(self, key: ObjectKey, row: Read[HostSpec]) -> _Understood:
        spec = row.value
        if spec is None:
            return _Understood(None, row.problems)
        problems = list(row.problems)
        tls = self._terminations.of_host(row, spec, problems)
        if tls is not None and server_names(spec.hostname) is None:
            said = f"{spec.hostname} cannot be asked for in TLS: * may only stand for whole labels, as in *.example.com"
            problems.append(Problem("spec.hostname", said))
        action = ACTIONS[spec.request_policy.insecure.action]
        host = ServedHost(key, row.namespace, row.name, row.labels, spec.hostname, tls, action)
        if any(problem.stops for problem in problems):
            return _Understood(None, tuple(problems), stopped=replace(host, tls=None, stopped=True))
        return _Understood(host, tuple(problems))


def _entry_of(row: Read[HostSpec]) -> HostEntry | None:
    return (
        None if row.value is None else HostEntry(f"{row.namespace}/{row.name}", row.value.hostname, row.value.selector)
    )

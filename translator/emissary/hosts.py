"""Hosts: the names that are served, each with its TLS settings found.

A Host that its own mistake stops, or whose Secret is missing or broken, is answered by nobody: it is not served in
clear text instead, nor by a Host with a wider name, which may ask less of clients. Its names are known apart from what
is wrong with it (`names`). Only where there is no Host object at all is every name served by default, as Emissary does.
"""

from collections.abc import Mapping
from typing import Final

from translator import ir
from translator.decode import FrozenMap, Problem, Sort
from translator.emissary.association import HostEntry
from translator.emissary.contexts import files_of
from translator.emissary.hostnames import is_glob, matches, rank, server_names, server_of, wider
from translator.emissary.kinds.host import HostSpec
from translator.emissary.names import HostNames, read_names
from translator.emissary.objects import NO_LABELS, Read, read_object
from translator.emissary.pitfalls import of_hostname, of_name_in_tls
from translator.emissary.secret_names import certificate_problem
from translator.emissary.security import ACTIONS, Action
from translator.emissary.settings import ALWAYS, Settings
from translator.emissary.termination import HostTls, Terminations
from translator.files.names import Files
from translator.ir import ObjectKey, SecretRef
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

KEY_PREFIX: Final = "getambassador.io/Host/"
DEFAULT_HOST: Final = "default-host"
OTHERS: Final = ""
"""Where globs are found that do not begin at a dot; no name is empty."""
FALLBACK_SECRET: Final = "fallback-self-signed-cert"  # noqa: S105  the name of one


@dataclass(frozen=True, slots=True)
class ServedHost:
    """A Host that is served."""

    key: ObjectKey
    namespace: str
    name: str
    labels: Mapping[str, str]
    hostname: str
    tls: HostTls | None
    action: Action

    @property
    def virtual_host(self) -> str:
        """The name of its virtual host."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class _Understood:
    host: ServedHost | None
    problems: tuple[Problem, ...]


class Hosts:
    """The Hosts' tables: `entries` decide which Mappings are served, `served` which chains there are.

    Of `served`, `declared` are those that are objects. `names` are the names of all, in every state: who has names
    there and is not served is stopped, and nobody else may serve them.
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
        self._kubernetes = kubernetes
        self._terminations = terminations
        self._own = options.namespace
        found = tables.each(
            "hosts read", objects, lambda key, body: read_object(HostSpec, key, body, options.ambassador_id)
        )
        self.files: Table[Files, Mapping[ObjectKey, bool]] = tables.group(
            "files of hosts", found, lambda _, row: files_of(row.value.tls) if row.value else {}
        )
        own_names = tables.each(
            "names of hosts read", objects, lambda key, body: read_names(key, body, options.ambassador_id)
        )
        self._own_names: Table[ObjectKey, HostNames] = own_names
        counted = tables.group("hosts counted", own_names, lambda _, __: {ALWAYS: True})
        self._any = tables.each("hosts exist", counted, lambda _, __: True)
        defaults = tables.group("default hosts", settings.always, lambda _, __: self._default_host())
        default = tables.each("default host", defaults, lambda _, members: members[ALWAYS])

        declared = tables.each("host entries", found, lambda _, row: _entry_of(row))
        default_entry = tables.each(
            "default host entry", default, lambda _, host: HostEntry(host.virtual_host, host.hostname, declared=False)
        )
        self.entries: Table[ObjectKey, HostEntry] = tables.union("hosts for mappings", declared, default_entry)

        understood = tables.each("hosts understood", found, self._understand)
        self.declared: Table[ObjectKey, ServedHost] = tables.each("hosts declared", understood, lambda _, row: row.host)
        self.served: Table[ObjectKey, ServedHost] = tables.union("hosts", self.declared, default)
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "host problems", understood, lambda _, row: row.problems or None
        )
        default_names = tables.each("names of the default host", default, lambda _, host: _names_of(host))
        self.names: Table[ObjectKey, HostNames] = tables.union("names of hosts", own_names, default_names)
        self._below = tables.group("hosts below globs", self.names, lambda _, row: dict.fromkeys(_above(row), row))
        self._by_server = tables.group("hosts by name in TLS", self.names, lambda _, row: _servers_of(row))

    def stopped_below(self, glob: str) -> tuple[HostNames, ...]:
        """The Hosts that are stopped and have a narrower name than a glob; for rules that a sweep runs."""
        below = read(self._below, glob) or {}
        return tuple([below[key] for key in sorted(below) if self.is_stopped(key)])

    def exist(self) -> bool:
        """Whether there is any Host object for us, served or not; for rules that a sweep runs."""
        return read(self._any, ALWAYS) is not None

    def is_stopped(self, key: ObjectKey) -> bool:
        """Whether a Host of which there are names is not served; for rules that a sweep runs."""
        return read(self.served, key) is None

    def for_server(self, server: str) -> tuple[ObjectKey, ...]:
        """The Hosts whose names stand for one in TLS, in the order in which they have it; for rules that a sweep runs.

        Those that are stopped keep their place: whoever comes after one may ask less of clients.
        """
        found: dict[ObjectKey, tuple[int, int]] = {}
        for index in (server, *wider(server), OTHERS):
            for key, names in (read(self._by_server, index) or {}).items():
                ranks = [rank(name) for name in names if name == server or (is_glob(name) and matches(name, server))]
                if ranks:
                    found[key] = min(*ranks, found.get(key, ranks[0]))
        return tuple(sorted(found, key=lambda key: (found[key], key)))

    def _default_host(self) -> dict[ObjectKey, ServedHost]:
        if self.exist():
            return {}
        secret = SecretRef(self._own, FALLBACK_SECRET)
        problem = certificate_problem("", secret, self._kubernetes.certificate(secret))
        usable = problem is None or not problem.stops
        tls = HostTls(ir.TlsTermination((secret,)), ()) if usable else None
        key = f"{KEY_PREFIX}{self._own}/{DEFAULT_HOST}"
        return {key: ServedHost(key, self._own, DEFAULT_HOST, NO_LABELS, "*", tls, "route")}

    def _understand(self, key: ObjectKey, row: Read[HostSpec]) -> _Understood:
        spec, problems = row.value, list(row.problems)
        names = read(self._own_names, key)
        if names is not None:
            told = {problem.path for problem in problems if problem.stops}
            problems += [problem for problem in names.problems if not (problem.stops and problem.path in told)]
        if spec is None:
            return _Understood(None, tuple(problems))
        tls = self._terminations.of_host(row, spec, problems)
        if tls is not None and server_names(spec.hostname) is None:
            said = f"{spec.hostname} cannot be asked for in TLS: * may only stand for whole labels, as in *.example.com"
            problems.append(Problem("spec.hostname", said))
        never: list[tuple[str, Sort]] = [(reason, "NeverAsked") for reason in of_hostname(spec.hostname)]
        in_clear = of_name_in_tls(spec.hostname) if tls is not None else ()
        pitfalls = [*never, *((reason, "") for reason in in_clear)]
        problems += [Problem("spec.hostname", reason, stops=False, sort=sort) for reason, sort in pitfalls]
        action = ACTIONS[spec.request_policy.insecure.action]
        host = ServedHost(key, row.namespace, row.name, row.labels, spec.hostname, tls, action)
        stopped = any(problem.stops for problem in problems)
        return _Understood(None if stopped else host, tuple(problems))


def _entry_of(row: Read[HostSpec]) -> HostEntry | None:
    return (
        None if row.value is None else HostEntry(f"{row.namespace}/{row.name}", row.value.hostname, row.value.selector)
    )


def _names_of(host: ServedHost) -> HostNames:
    return HostNames(host.key, host.namespace, host.name, (host.hostname,), FrozenMap[str | None](host.labels))


def _above(names: HostNames) -> set[str]:
    """The globs that TLS knows which stand for a name of a Host, but `*`."""
    return {glob for hostname in names.hostnames for glob in wider(hostname) if glob != "*"}


def _servers_of(names: HostNames) -> dict[str, tuple[str, ...]]:
    """Where a Host is found by the names that TLS knows it by."""
    found: dict[str, tuple[str, ...]] = {}
    for server in map(server_of, names.hostnames):
        index = server if not is_glob(server) or server == "*" or server.startswith("*.") else OTHERS
        found[index] = (*found.get(index, ()), server)
    return found

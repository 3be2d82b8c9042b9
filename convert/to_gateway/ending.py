"""Where the TLS of a TCPMapping with `host` ends: whose certificate is shown for the name. Pure.

As the gateway decides: that of the Host with the name, else of the one with the closest wider name, else of a
TLSContext that lists it. Who asks clients for certificates, or has them in files, is said by no listener.
"""

from dataclasses import dataclass, field
from typing import Final

from convert.to_gateway.doors import OF_CLIENTS, OF_TLS, Doors, Served
from convert.world import World
from translator.emissary.hostnames import is_glob, matches, rank, server_of
from translator.emissary.secret_names import secret_ref
from translator.ir import ObjectKey

_HOST: Final = "getambassador.io/Host"
_KEPT: Final = "a Gateway does not say how TLS is spoken"


@dataclass(frozen=True, slots=True)
class Ended:
    """A certificate: the namespace and name of its Secret, the object that says so, and where."""

    secret: tuple[str, str]
    owner: ObjectKey
    field: str


@dataclass(slots=True)
class Endings:
    """Finds certificates, and remembers why there is none."""

    world: World
    doors: Doors
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)

    def why(self, host: str) -> tuple[str, str]:
        """Why there is no certificate for a name that a listener could show, and what to do."""
        return self.reasons[host]

    def of(self, host: str, port: int, keys: list[ObjectKey]) -> Ended | None:
        """The certificate of a name."""
        if any(door.port == port and not door.by_tls for door in self.doors.doors):
            said = f"has clear text beside it at port {port}, and in Gateway API that is for one protocol"
            return self._without(host, said, "give it a port of its own")
        shown = {each.key: each for each in self.doors.hosts}
        names = {each.key: each.hostname for each in self.doors.hosts if not each.is_declared}
        names |= {key: self._hostname(key) for key in self.world.of_kind(_HOST)}
        for key in sorted(names, key=lambda each: (rank(names[each]), each)):
            if not _covers(names[key], host):
                continue
            if key not in shown:
                name = "/".join(key.split("/")[2:])
                return self._without(
                    host, f"has the TLS of Host {name}, which is not converted", "see what is said of it"
                )
            if self._is_shown(shown[key]):
                return self._of_host(shown[key], host, port, keys)
        return self._of_context(host)

    def _without(self, host: str, reason: str, instead: str) -> Ended | None:
        """None, and why."""
        self.reasons[host] = reason, instead
        return None

    def _hostname(self, key: ObjectKey) -> str:
        """The hostname of a Host; of one that is stopped, every one where it tells none."""
        row = self.world.hosts.get(key)
        if row is not None and row.value is not None:
            return row.value.hostname
        said = self.world.spec(key).get("hostname")
        return said if isinstance(said, str) and said else "*"

    def _is_shown(self, served: Served) -> bool:
        """Whether a Host has a certificate; what is served without a Host has one where there is its Secret."""
        secret = served.certificate
        if secret is None:
            return False
        return served.is_declared or f"core/Secret/{secret.namespace}/{secret.name}" in self.world.bodies

    def _of_host(self, served: Served, host: str, port: int, keys: list[ObjectKey]) -> Ended | None:
        secret = served.certificate
        assert secret is not None  # noqa: S101 -- that is what was looked for
        if not served.is_declared:
            return Ended((secret.namespace, secret.name), keys[0], "spec.host")
        is_there = any(door.port == port and door.host is served for door in self.doors.doors)
        strangers = [key for key in keys if key.split("/")[2] != served.namespace]
        if is_there and (server_of(served.hostname) == host or strangers):
            said = f"is at port {port} also the name of Host {served.namespace}/{served.name}"
            return self._without(host, f"{said}, and a listener has one", "give one of them another port, or name")
        return Ended((secret.namespace, secret.name), served.key, "spec.tlsSecret.name")

    def _of_context(self, host: str) -> Ended | None:
        """The certificate of the first TLSContext that lists the name."""
        for key, row in sorted(self.world.contexts.items()):
            spec = row.value
            if spec is None or host not in spec.hosts:
                continue
            if any(getattr(spec, name) for name in OF_CLIENTS):
                said = "asks clients for certificates, by its TLSContext, and a listener of TLS does not"
                return self._without(host, said, "keep the TCPMapping")
            if spec.secret is None:
                said = "has its certificate in files, and a listener in a Secret"
                return self._without(host, said, "make a Secret of them")
            for name in OF_TLS:
                if getattr(spec, name):
                    self.world.notes.lost(key, f"spec.{name}", _KEPT, "keep the TCPMappings of its names")
            namespacing = spec.secret_namespacing
            if namespacing is None:
                namespacing = self.world.module.defaults.tls_secret_namespacing
            found = secret_ref(spec.secret, row.namespace, namespacing=namespacing)
            return Ended((found.namespace, found.name), key, "spec.secret")
        said = "has no TLS settings: no Host with TLS serves it, and no TLSContext lists it in hosts"
        return self._without(host, said, "name a certificate first")


def _covers(hostname: str, host: str) -> bool:
    server = server_of(hostname)
    return server == host or (is_glob(server) and matches(server, host))

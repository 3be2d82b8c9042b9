"""Names of resources: readable, stable, and different for everything that is different.

They carry `/` and `:`, which no Kubernetes name can hold, so two names are never equal by accident; what a name does
not tell in words it tells by a hash of the whole value.
"""

from dataclasses import fields, is_dataclass, replace
from hashlib import blake2b
from typing import Any, Final

from translator.ir import (
    Addresses,
    AuthorityRef,
    Backend,
    CertificateRef,
    ConfigMaps,
    ConsulService,
    DnsName,
    Found,
    LocalSocket,
    PemFiles,
    SecretRef,
    ServicePort,
    Several,
)
from translator.remembering import remembered

LONGEST = 200
_OF_FILES: Final = "file:"
"""Begins the names of what comes from files: no namespace has a colon."""
_OF_CONFIG_MAPS: Final = "configmap:"
"""The same of ConfigMaps."""


def _size(backend: Backend) -> int:
    return len(repr(backend))


@remembered(_size, room=32 << 20)
def cluster_name(backend: Backend) -> str:
    """The name of the cluster of a backend: equal backends share it, different ones never do."""
    if backend.checked:
        return f"{cluster_name(replace(backend, checked=False))}/checked"
    target = backend.target
    match target:
        case ServicePort() | ConsulService():
            text = assignment_name(target)
        case DnsName():
            text = f"dns/{target.name}:{target.port}"
        case Addresses():
            text = "ip/" + ",".join(f"{address}:{port}" for address, port in target.pairs)
        case LocalSocket():
            text = f"unix{target.path}"
        case Several():
            text = f"several~{_digest(target)}"
    if backend == Backend(target) and len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}~{_digest(backend)}"


def assignment_name(*targets: Found) -> str:
    """The name of the endpoints of a Service's port, as Emissary names them, or of a service in Consul, or several."""
    return "+".join(map(_assignment_name, targets))


def _assignment_name(target: Found) -> str:
    if isinstance(target, ConsulService):
        name = f"consul/{target.datacenter}/{target.service}"
        return f"{name}@{target.address}" if target.address else name
    name = f"k8s/{target.namespace}/{target.name}/{target.port}"
    return f"{name}/udp" if target.by_datagrams else name


def certificate_name(secret: CertificateRef) -> str:
    """The name under which a Secret's certificate and key, or those of files, are given to Envoy."""
    if isinstance(secret, PemFiles):
        return f"{_OF_FILES}{secret.certificate};{secret.key}"
    return f"{secret.namespace}/{secret.name}"


def authority_name(secret: AuthorityRef, revocations: SecretRef | None = None) -> str:
    """The name under which the CA of a Secret, or of a file, is given to Envoy, with the revocations of a Secret."""
    if isinstance(secret, PemFiles):
        name = f"{_OF_FILES}{secret.certificate};ca"
        return f"{name};{revocations.namespace}/{revocations.name}" if revocations else name
    if isinstance(secret, ConfigMaps):
        return _OF_CONFIG_MAPS + ",".join("/".join(name) for name in secret.names)
    name = f"{secret.namespace}/{secret.name}/ca"
    return f"{name}/{revocations.namespace}/{revocations.name}" if revocations else name


def certificates_of(name: str) -> list[AuthorityRef]:
    """What is in the name of a certificate or of an authority; a Secret may itself be called `ca`."""
    if name.startswith(_OF_FILES):
        path, key, *revoking = name.removeprefix(_OF_FILES).split(";")
        files = PemFiles(path, "" if key == "ca" else key)
        return [files, *(SecretRef(*each.split("/", 1)) for each in revoking)]
    if name.startswith(_OF_CONFIG_MAPS):
        pairs = [each.partition("/") for each in name.removeprefix(_OF_CONFIG_MAPS).split(",")]
        return [ConfigMaps(((namespace, found),)) for namespace, _, found in pairs]
    namespace, *rest = name.split("/")
    found: list[AuthorityRef] = [SecretRef(namespace, rest[0] if rest else "")]
    return [*found, SecretRef(rest[2], rest[3])] if len(rest) == 4 else found


def services_of(name: str) -> list[tuple[str, str]]:
    """The namespaces and names of the Services in the name of endpoints."""
    parts = (each.split("/", 2) for each in name.removeprefix("k8s/").split("+k8s/"))
    return [(each[0], each[1]) for each in parts if len(each) == 3]


def _digest(value: object) -> str:
    return blake2b(_said(value).encode(), digest_size=6).hexdigest()


def _said(value: Any) -> str:
    """A value of frozen dataclasses, texts and numbers in words, the same in every process, unlike its hash().

    What is as it is by default is left out: a field that is new in a release renames nobody's cluster.
    """
    if isinstance(value, tuple):
        return f"({','.join(map(_said, value))})"
    if not is_dataclass(value):
        return repr(value)
    said = [
        (each.name, getattr(value, each.name)) for each in fields(value) if getattr(value, each.name) != each.default
    ]
    return f"{type(value).__name__}({','.join(f'{name}={_said(part)}' for name, part in said)})"

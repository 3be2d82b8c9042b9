"""Which Secrets an object of ours refers to, and which Secrets and ConfigMaps one of Gateway API: pure.

Only these are read where nothing more is allowed, and only these are published. Rather one too many than one too few: a
field counts by its name, wherever it stands, and a name with a dot in it is also read as `name.namespace`, since other
objects say whether it is meant so; but not where the namespace is said. What no Secret can be called is none: many may
write a Host, and what is written there becomes a request in our name. The translator tells whoever wrote it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import orjson

SecretName: TypeAlias = tuple[str, str]
"""Namespace and name."""

Readings: TypeAlias = frozenset[SecretName]
"""What a name may mean, as it is written in one place: one Secret, or one of two."""

KINDS: Final = frozenset(("Host", "TLSContext", "Module"))

GATEWAY_KINDS: Final = frozenset(("Gateway", "ListenerSet", "BackendTLSPolicy"))
"""Of Gateway API; each of their references says of which kind it is."""

_REFERENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "certificateRefs": ("Secret",),
    "clientCertificateRef": ("Secret",),
    "caCertificateRefs": ("ConfigMap", "Secret"),
}
"""The fields with references, and the kinds that they may be of; the first is meant where none is said."""

_ANNOTATIONS: Final = tuple(
    f"nginx.ingress.kubernetes.io/{name}" for name in ("auth-secret", "auth-tls-secret", "proxy-ssl-secret")
)
"""Of Ingresses, by which they name Secrets."""

_FIELDS: Final = frozenset(("secret", "tlssecret", "casecret", "crlsecret", "privatekeysecret"))

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAMESPACE: Final = re.compile(rf"(?=.{{1,63}}\Z){_LABEL}")
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
"""As the API server has them (RFC 1123)."""


def secrets_of(namespace: str, body: bytes) -> frozenset[Readings]:
    """The Secrets that an object in this namespace may mean."""
    return frozenset(_named(orjson.loads(body).get("spec"), namespace))


def certificates_of(namespace: str, body: bytes) -> frozenset[Readings]:
    """The Secrets that an Ingress in this namespace names, in its TLS and in annotations; of its namespace alone."""
    document = orjson.loads(body)
    spec, metadata = document.get("spec"), document.get("metadata")
    listed = spec.get("tls") if isinstance(spec, dict) else None
    names = [each.get("secretName") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    said = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(said, dict):
        texts = [text for name in _ANNOTATIONS if isinstance(text := said.get(name), str)]
        names += [text.strip().removeprefix(f"{namespace}/") for text in texts]
    return frozenset(found for name in names if isinstance(name, str) and (found := _possible((namespace, name))))


def named_by_gateway_api(kind: str, namespace: str, body: bytes) -> frozenset[Readings]:
    """The Secrets, or ConfigMaps, that an object of Gateway API in this namespace names.

    Whether it may is not asked: of what is in another namespace a ReferenceGrant decides, whenever it comes.
    """
    return frozenset(_referred(orjson.loads(body).get("spec"), kind, namespace))


def _referred(value: Any, kind: str, namespace: str) -> Iterator[Readings]:
    if isinstance(value, list):
        for item in value:
            yield from _referred(item, kind, namespace)
    if not isinstance(value, dict):
        return
    for field, item in value.items():
        kinds = _REFERENCES.get(field, ())
        for each in item if isinstance(item, list) else [item]:
            if kind in kinds and isinstance(each, dict) and _is_of(each, kind, kinds[0]):
                name, given = each.get("name"), each.get("namespace") or namespace
                if isinstance(name, str) and (readings := _possible((given, name))):
                    yield readings
        yield from _referred(item, kind, namespace)


def _is_of(reference: Mapping[str, Any], kind: str, default: str) -> bool:
    return (reference.get("kind") or default) == kind and reference.get("group") in (None, "", "core")


def _named(value: Any, namespace: str) -> Iterator[Readings]:
    if isinstance(value, list):
        for item in value:
            yield from _named(item, namespace)
    if not isinstance(value, dict):
        return
    for field, item in value.items():
        if field.replace("_", "").lower() in _FIELDS and (readings := _readings(item, namespace)):
            yield readings
        yield from _named(item, namespace)


def _readings(value: Any, namespace: str) -> Readings:
    given = None
    if isinstance(value, dict):
        value, given = value.get("name"), value.get("namespace")
    if not isinstance(value, str):
        return frozenset()
    if given:
        return _possible((given, value))
    name, _, other = value.rpartition(".")
    return _possible((namespace, value), (other, name))


def _possible(*names: tuple[Any, str]) -> Readings:
    return frozenset(
        (namespace, name)
        for namespace, name in names
        if isinstance(namespace, str) and _NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name)
    )

"""What is different between two JSON values, field by field, without what may be a secret. Pure.

Values of headers and query parameters, texts that are given inline, hashes of passwords and keys are never shown: only
that they are others. Of certificates there are the fingerprint and the end.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from translator.filters.passwords import USER

LONGEST: Final = 200
"""Characters of a value that are shown."""
HIDDEN: Final = "(not shown)"
OTHER: Final = "(not shown, another)"

_BYTES: Final = ("inline_bytes", "inline_string")
_SECRET: Final = frozenset(
    {"private_key", "password", "session_ticket_keys", "generic_secret", "context_extensions", "raw_value"}
)
_IDENTITY: Final = ("name", "cluster_name", "key", "prefix")
_MANAGER: Final = "filters[envoy.filters.network.http_connection_manager].typed_config"
_PEM: Final = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Change:
    """A field, and what it is before and after; None where it is not there."""

    path: str
    before: Any
    after: Any

    def json(self) -> dict[str, Any]:
        """It as JSON."""
        return {"path": self.path, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A value that is compared, and not shown."""

    digest: bytes


def changes(before: Any, after: Any) -> list[Change]:
    """The fields that differ."""
    flat_before, flat_after = flat(before), flat(after)
    paths = dict.fromkeys([*flat_before, *flat_after])
    found = [(path, flat_before.get(path), flat_after.get(path)) for path in paths]
    return [Change(_short(path), *_said(old, new)) for path, old, new in found if old != new]


def _short(path: str) -> str:
    """A path without what every path of its sort has."""
    return path.replace(_MANAGER, "http").replace(".typed_config.", ".")


def _said(old: Any, new: Any) -> tuple[Any, Any]:
    if isinstance(old, _Hidden) and isinstance(new, _Hidden):
        return HIDDEN, OTHER
    return _shown(old), _shown(new)


def _shown(value: Any) -> Any:
    if isinstance(value, _Hidden):
        return HIDDEN
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}..."
    return value


def flat(value: Any) -> dict[str, Any]:
    """The leaves of a JSON value by their paths."""
    return dict(_leaves(value, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in _fields(value):
            if name != "@type":
                yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        if all(not isinstance(each, dict | list) for each in value):
            yield path, value
            return
        seen: dict[str, int] = {}
        for number, each in enumerate(value):
            called = _called(each, number)
            seen[called] = seen.get(called, 0) + 1
            suffix = f"#{seen[called]}" if seen[called] > 1 else ""
            yield from _leaves(each, f"{path}[{called}{suffix}]")
    else:
        yield path, value


def _fields(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a message; those that may be secret as hidden values, certificates by fingerprint and end."""
    of_header = "key" in value and "value" in value
    of_match = "string_match" in value and not str(value.get("name", ":")).startswith(":")
    of_trace = "literal" in value and "tag" in value  # which may be a variable of the environment
    own = {"value": of_header, "string_match": of_match, "literal": of_trace}
    for name, inner in value.items():
        if name in _SECRET or name.startswith(USER) or own.get(name):
            yield name, _hidden(inner)
        elif name == "body_format" and "json_format" in inner:
            yield name, {**inner, "json_format": _hidden(inner["json_format"])}
        elif name in _BYTES:
            yield name, certificates(inner) if name == "inline_bytes" else _hidden(inner)
        else:
            yield name, inner


def _hidden(value: Any) -> _Hidden:
    return _Hidden(sha256(repr(value).encode()).digest())


def _called(value: Any, number: int) -> str:
    """What an item of a list is called: by its name where it has one."""
    if isinstance(value, dict):
        for name in _IDENTITY:
            if isinstance(value.get(name), str):
                return str(value[name])
        inner = value.get("header")
        if isinstance(inner, dict) and isinstance(inner.get("key"), str):
            return str(inner["key"])
    return str(number)


def certificates(encoded: str) -> Any:
    """The certificates in bytes that are given inline, as JSON has them; what is no certificate is hidden."""
    try:
        data = base64.b64decode(encoded, validate=True)
        if _PEM not in data:
            return _hidden(encoded)
        return [certificate_of(each) for each in x509.load_pem_x509_certificates(data)]
    except (binascii.Error, ValueError):
        return _hidden(encoded)


def certificate_of(certificate: x509.Certificate) -> str:
    """A certificate in words: its fingerprint and its end."""
    end = certificate.not_valid_after_utc.strftime("%Y-%m-%d")
    return f"SHA-256 {certificate.fingerprint(hashes.SHA256()).hex(':')[:47]}, ends {end}"

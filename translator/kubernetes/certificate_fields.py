"""The form of certificates, as Envoy's TLS library checks it: what it needs must be well made, no more is looked at.

Other readers refuse what it takes, such as `*` in a name that is said to be printable or a number below 0, and take
what it refuses. https://datatracker.ietf.org/doc/html/rfc5280#section-4.1

Stricter on purpose: what is in a name must be a text, a number, or a string of bits or bytes.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from translator.kubernetes.der import (
    BIT_STRING,
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SET,
    UTC_TIME,
    MalformedError,
    Value,
    bits,
    content_of,
    identifier,
    integer,
    only_value,
    parts_of,
)
from translator.values import dataclass

_VERSION, _ISSUER_ID, _SUBJECT_ID, _EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3
_VERSION_3: Final = 2
_COMMON_NAME: Final = bytes.fromhex("550403")
_ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")
_NAMES_OF_SERVERS: Final = frozenset({0x82, 0x86, 0x87})
"""DNS names, URIs and addresses."""

_LATIN_TEXTS: Final = frozenset({0x12, 0x13, 0x14, 0x15, 0x16, 0x19, 0x1A, 0x1B, OCTET_STRING})
_ENCODINGS: Final = {0x0C: "utf-8", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}
_OTHERS: Final[Mapping[int, Callable[[bytes], object]]] = {BIT_STRING: bits, INTEGER: integer}
_BASIC_PLANE: Final = 0xFFFF
_TIME: Final = {
    UTC_TIME: re.compile(rb"(\d\d)(\d\d)(\d\d)([01]\d|2[0-3])[0-5]\d[0-5]\d(?:Z|[+-](?:0\d|1[0-4])[0-5]\d)"),
    GENERALIZED_TIME: re.compile(rb"(\d{4})(\d\d)(\d\d)([01]\d|2[0-3])[0-5]\d[0-5]\dZ"),
}
_CENTURY_FROM: Final = 50


@dataclass(frozen=True, slots=True)
class Fields:
    """What Envoy looks at: the key with its algorithm, as DER; the extensions; what the certificate is called.

    `common_name` is None where there is none, which is not the same as an empty one.
    """

    public_key: bytes
    extensions: Sequence[tuple[bytes, bytes]]
    common_name: bytes | None

    def extension(self, wanted: bytes) -> bytes | None:
        """The content of the first extension with this object identifier."""
        return next((content for name, content in self.extensions if name == wanted), None)

    @property
    def has_name(self) -> bool:
        """Whether it is for anyone: by its common name, or by the names of servers that it lists."""
        if self.common_name is not None:
            return True
        listed = self.extension(_ALTERNATIVE_NAMES)
        try:
            names = parts_of(listed, only_value(listed)) if listed else []
        except MalformedError:
            return False
        return any(tag in _NAMES_OF_SERVERS for tag, *_ in names)


def fields_of(der: bytes) -> Fields:
    """The fields of a certificate; ValueError when it is none that Envoy takes."""
    body, algorithm, signature = _exactly(3, parts_of(der, only_value(der)))
    _check_algorithm(der, algorithm)
    bits(content_of(der, signature, BIT_STRING))
    fields = iter(parts_of(der, body))
    version, field = 0, next(fields, None)
    if field and field[0] == _VERSION:
        (number,) = _exactly(1, parts_of(der, field, _VERSION))
        version = integer(content_of(der, number, INTEGER))
        field = next(fields, None)
    if field is None or not 0 <= version <= _VERSION_3:
        raise MalformedError
    integer(content_of(der, field, INTEGER))
    _check_algorithm(der, _next(fields))
    _name_of(der, _next(fields))
    _check_validity(der, _next(fields))
    subject, key = _name_of(der, _next(fields)), _next(fields)
    _check_public_key(der, key)
    return Fields(der[key[1] : key[3]], tuple(_extensions_of(der, fields, version)), subject)


def check_issuer_of_crl(der: bytes) -> None:
    """ValueError when the name of who made a list of revoked certificates is one that Envoy does not take."""
    body, *_ = parts_of(der, only_value(der))
    fields = [field for field in parts_of(der, body) if field[0] != INTEGER]
    _name_of(der, fields[1])


def _exactly(count: int, found: Sequence[Value]) -> Sequence[Value]:
    if len(found) != count:
        raise MalformedError
    return found


def _next(fields: Iterator[Value]) -> Value:
    field = next(fields, None)
    if field is None:
        raise MalformedError
    return field


def _check_algorithm(der: bytes, field: Value) -> None:
    name, *parameters = parts_of(der, field)
    identifier(content_of(der, name, OBJECT_IDENTIFIER))
    if len(parameters) > 1:
        raise MalformedError


def _check_public_key(der: bytes, field: Value) -> None:
    algorithm, key = _exactly(2, parts_of(der, field))
    _check_algorithm(der, algorithm)
    bits(content_of(der, key, BIT_STRING))


def _check_validity(der: bytes, field: Value) -> None:
    for tag, _, start, end in _exactly(2, parts_of(der, field)):
        found = _TIME[tag].fullmatch(der[start:end]) if tag in _TIME else None
        if not found:
            raise MalformedError
        year, month, day = map(int, found.groups()[:3])
        if tag == UTC_TIME:
            year += 2000 if year < _CENTURY_FROM else 1900
        try:
            dt.date(year, month, day)
        except ValueError:
            raise MalformedError from None


def _name_of(der: bytes, field: Value) -> bytes | None:
    """Checks a name, and gives its first common name."""
    common_name = None
    for several in parts_of(der, field):
        attributes = parts_of(der, several, SET)
        if not attributes:
            raise MalformedError
        for attribute in attributes:
            name, text = _exactly(2, parts_of(der, attribute))
            kind = identifier(content_of(der, name, OBJECT_IDENTIFIER))
            content = der[text[2] : text[3]]
            _check_text(text[0], content)
            if kind == _COMMON_NAME and common_name is None:
                common_name = content
    return common_name


def _check_text(tag: int, content: bytes) -> None:
    if tag in _LATIN_TEXTS:
        return
    if tag in _OTHERS:
        _OTHERS[tag](content)
        return
    if tag not in _ENCODINGS:
        raise MalformedError
    try:
        text = content.decode(_ENCODINGS[tag])
    except UnicodeDecodeError:
        raise MalformedError from None
    if _ENCODINGS[tag] == "utf-16-be" and text and ord(max(text)) > _BASIC_PLANE:
        raise MalformedError  # it knows no surrogates


def _extensions_of(der: bytes, fields: Iterator[Value], version: int) -> Iterator[tuple[bytes, bytes]]:
    """The extensions, and whether nothing is in a certificate that its version does not know."""
    left = list(fields)
    for optional in (_ISSUER_ID, _SUBJECT_ID):
        if version and left and left[0][0] == optional:
            bits(content_of(der, left.pop(0), optional))
    if version == _VERSION_3 and left and left[0][0] == _EXTENSIONS:
        (listed,) = _exactly(1, parts_of(der, left.pop(0), _EXTENSIONS))
        for extension in parts_of(der, listed):
            yield _extension(der, extension)
    if left:
        raise MalformedError


def _extension(der: bytes, field: Value) -> tuple[bytes, bytes]:
    name, *critical, content = parts_of(der, field)
    if len(critical) > 1 or (critical and len(content_of(der, critical[0], BOOLEAN)) != 1):
        raise MalformedError
    return identifier(content_of(der, name, OBJECT_IDENTIFIER)), content_of(der, content, OCTET_STRING)

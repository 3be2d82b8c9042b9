"""Certificates that differ in one field from a good one, made of their parts: no library would make most of them.

Their signatures are wrong, which nobody checks of what is shown or trusted.
"""

import base64
from typing import Final

from translator.kubernetes.der import Value, only_value, parts_of

SEQUENCE: Final = 0x30
SET: Final = 0x31
OID: Final = 0x06
INTEGER: Final = 0x02
UTF8: Final = 0x0C

NAMES: Final = ("version", "serial", "algorithm", "issuer", "validity", "subject", "key", "extensions")
COMMON_NAME: Final = bytes.fromhex("550403")
BASIC_CONSTRAINTS: Final = bytes.fromhex("551d13")
KEY_USAGE: Final = bytes.fromhex("551d0f")
ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")
TLS_FEATURE: Final = bytes.fromhex("2b06010505070118")
UNKNOWN: Final = bytes.fromhex("2a0304")


def tlv(tag: int, *parts: bytes) -> bytes:
    """A value of DER."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def name(text: bytes, tag: int = UTF8) -> bytes:
    """A name with a common name of this kind of text."""
    return tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, tlv(OID, COMMON_NAME), tlv(tag, text))))


def extension(identifier: bytes, value: bytes, critical: bytes = b"") -> bytes:
    """An extension; `critical` is the encoded flag, if it is there."""
    return tlv(SEQUENCE, tlv(OID, identifier), critical, tlv(0x04, value))


def extensions(*each: bytes) -> bytes:
    """The field that holds these."""
    return tlv(0xA3, tlv(SEQUENCE, *each))


def validity(begin: bytes, end: bytes, tag: int = 0x17) -> bytes:
    """From when to when a certificate is good."""
    return tlv(SEQUENCE, tlv(tag, begin), tlv(tag, end))


def der_of(pem: bytes) -> bytes:
    """What is in the first block of a text."""
    lines = pem.split(b"-----")[2]
    return base64.b64decode(lines)


def pem_of(der: bytes, label: bytes = b"CERTIFICATE") -> bytes:
    """A block that holds this."""
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, base64.encodebytes(der), label)


def with_field(pem: bytes, field: str, value: bytes) -> bytes:
    """The certificate with another value of a field."""
    der = der_of(pem)
    body, *rest = parts_of(der, only_value(der))
    fields = [_whole(der, each) for each in parts_of(der, body)]
    fields[NAMES.index(field)] = value
    return pem_of(tlv(SEQUENCE, tlv(SEQUENCE, *fields), *(_whole(der, each) for each in rest)))


def _whole(der: bytes, value: Value) -> bytes:
    return der[value[1] : value[3]]


FALSE, TRUE, ODD_TRUE = (tlv(0x01, bytes([value])) for value in (0, 0xFF, 1))
SAN = extension(ALTERNATIVE_NAMES, tlv(SEQUENCE, tlv(0x82, b"leaf.test")))

FIELDS: Final[dict[str, tuple[str, bytes]]] = {
    "no version": ("version", b""),
    "version 1": ("version", tlv(0xA0, tlv(INTEGER, b"\0"))),
    "version 2": ("version", tlv(0xA0, tlv(INTEGER, b"\1"))),
    "version 4": ("version", tlv(0xA0, tlv(INTEGER, b"\3"))),
    "a negative serial": ("serial", tlv(INTEGER, b"\xff\x01")),
    "serial 0": ("serial", tlv(INTEGER, b"\0")),
    "a serial with a needless zero": ("serial", tlv(INTEGER, b"\0\1")),
    "an empty serial": ("serial", tlv(INTEGER)),
    "a serial of 40 bytes": ("serial", tlv(INTEGER, b"\x01" * 40)),
    "a serial of 21 bytes": ("serial", tlv(INTEGER, b"\x01" * 21)),
    "another algorithm inside": ("algorithm", tlv(SEQUENCE, tlv(OID, UNKNOWN))),
    "ECDSA with NULL": ("algorithm", tlv(SEQUENCE, tlv(OID, bytes.fromhex("2a8648ce3d040302")), b"\x05\0")),
    "an empty issuer": ("issuer", tlv(SEQUENCE)),
    "an empty subject": ("subject", tlv(SEQUENCE)),
    "an empty set in a name": ("subject", tlv(SEQUENCE, tlv(SET))),
    "a name beyond ASCII": ("subject", name("é".encode())),
    "a name that is not UTF-8": ("subject", name(b"\xe9")),
    "a name as T61String": ("subject", name(b"\xe9", 0x14)),
    "a name as BMPString": ("subject", name("é".encode("utf-16-be"), 0x1E)),
    "a name as half a BMPString": ("subject", name(b"\0a\0", 0x1E)),
    "a name as BMPString with a surrogate": ("subject", name(b"\xd8\0", 0x1E)),
    "a name as BMPString with two surrogates": ("subject", name("😀".encode("utf-16-be"), 0x1E)),
    "a name as UniversalString": ("subject", name("é".encode("utf-32-be"), 0x1C)),
    "a name as broken UniversalString": ("subject", name(b"\xff\0\0\0", 0x1C)),
    "a name as PrintableString": ("subject", name(b"a*b", 0x13)),
    "a name as PrintableString beyond ASCII": ("subject", name(b"\xe9", 0x13)),
    "a name as IA5String beyond ASCII": ("subject", name(b"\xe9", 0x16)),
    "a name as NumericString": ("subject", name(b"abc", 0x12)),
    "a name as VisibleString": ("subject", name(b"abc", 0x1A)),
    "a name as OCTET STRING": ("subject", name(b"abc", 0x04)),
    "a name as BIT STRING": ("subject", name(b"\0abc", 0x03)),
    "a name as number": ("subject", name(b"\1", 0x02)),
    "a name as a constructed text": ("subject", name(b"abc", 0x2C)),
    "a name as GeneralString": ("subject", name(b"abc", 0x1B)),
    "an empty name": ("subject", name(b"")),
    "a name with NUL": ("subject", name(b"a\0b")),
    "a name of 100 KB": ("subject", name(b"a" * 100_000)),
    "expired": ("validity", validity(b"200101000000Z", b"210101000000Z")),
    "not yet valid": ("validity", validity(b"490101000000Z", b"491231000000Z")),
    "valid backwards": ("validity", validity(b"491231000000Z", b"490101000000Z")),
    "for ever": ("validity", validity(b"20200101000000Z", b"99991231235959Z", 0x18)),
    "GeneralizedTime before 2050": ("validity", validity(b"20200101000000Z", b"20300101000000Z", 0x18)),
    "UTCTime without seconds": ("validity", validity(b"2001010000Z", b"4901010000Z")),
    "UTCTime with an offset": ("validity", validity(b"200101000000+0100", b"490101000000+0100")),
    "GeneralizedTime with fractions": ("validity", validity(b"20200101000000.5Z", b"20500101000000.5Z", 0x18)),
    "a day that is none": ("validity", validity(b"200230000000Z", b"490101000000Z")),
    "no time": ("validity", validity(b"hello", b"hello")),
    "an unknown key": ("key", tlv(SEQUENCE, tlv(SEQUENCE, tlv(OID, UNKNOWN)), tlv(0x03, b"\0abc"))),
    "no key": ("key", tlv(SEQUENCE)),
    "no extensions": ("extensions", b""),
    "an empty list of extensions": ("extensions", extensions()),
    "an unknown extension": ("extensions", extensions(extension(UNKNOWN, b"abc"))),
    "an unknown critical extension": ("extensions", extensions(extension(UNKNOWN, b"abc", TRUE))),
    "an extension twice": ("extensions", extensions(SAN, SAN)),
    "an extension that says that it is not critical": ("extensions", extensions(extension(UNKNOWN, b"abc", FALSE))),
    "an extension that is critical by 1": ("extensions", extensions(extension(UNKNOWN, b"abc", ODD_TRUE))),
    "broken basic constraints": ("extensions", extensions(extension(BASIC_CONSTRAINTS, b"abc"))),
    "broken names": ("extensions", extensions(extension(ALTERNATIVE_NAMES, b"abc"))),
    "broken key usage": ("extensions", extensions(extension(KEY_USAGE, b"abc"))),
    "empty key usage": ("extensions", extensions(extension(KEY_USAGE, b""))),
    "key usage of no bits": ("extensions", extensions(extension(KEY_USAGE, tlv(0x03, b"\0")))),
    "key usage with digitalSignature": ("extensions", extensions(extension(KEY_USAGE, tlv(0x03, b"\x07\x80")))),
    "key usage with a wrong count of bits": ("extensions", extensions(extension(KEY_USAGE, tlv(0x03, b"\x09\x80")))),
    "key usage without digitalSignature": ("extensions", extensions(extension(KEY_USAGE, tlv(0x03, b"\x01\x06")))),
    "key usage of 9 bits": ("extensions", extensions(extension(KEY_USAGE, tlv(0x03, b"\x07\x80\x80")))),
    "key usage twice, the second good": (
        "extensions",
        extensions(*(extension(KEY_USAGE, tlv(0x03, bits)) for bits in (b"\x01\x06", b"\x07\x80"))),
    ),
    "must-staple": ("extensions", extensions(extension(TLS_FEATURE, bytes.fromhex("3003020105")))),
    "must-staple and another": ("extensions", extensions(extension(TLS_FEATURE, bytes.fromhex("3006020105020111")))),
    "another feature of TLS": ("extensions", extensions(extension(TLS_FEATURE, bytes.fromhex("3003020111")))),
    "broken features of TLS": ("extensions", extensions(extension(TLS_FEATURE, b"abc"))),
    "CA without key usage": ("extensions", extensions(extension(BASIC_CONSTRAINTS, tlv(SEQUENCE, TRUE), TRUE))),
    "no CA": ("extensions", extensions(extension(BASIC_CONSTRAINTS, tlv(SEQUENCE), TRUE))),
    "a thousand names": (
        "extensions",
        extensions(extension(ALTERNATIVE_NAMES, tlv(SEQUENCE, *(tlv(0x82, b"n%d.test" % n) for n in range(1000))))),
    ),
    "something behind the extensions": ("extensions", extensions(SAN) + tlv(INTEGER, b"\1")),
}  # fmt: skip


def certificates(pem: bytes) -> dict[str, bytes]:
    """The certificate with one field made otherwise, by what it is."""
    return {title: with_field(pem, field, value) for title, (field, value) in FIELDS.items()}

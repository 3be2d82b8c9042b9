"""Reading a Secret takes time and memory in proportion to its size, whatever is in it, and never much."""

import base64
import time
import tracemalloc
from collections.abc import Callable

import pytest

from tests.translator.kubernetes.der_corpus import (
    COMMON_NAME,
    OID,
    SEQUENCE,
    SET,
    UNKNOWN,
    extension,
    extensions,
    pem_of,
    tlv,
    with_field,
)
from tests.translator.kubernetes.key_corpus import RSA, number, numbers
from tests.translator.kubernetes.pem_corpus import ISSUER, LEAF
from translator.kubernetes.passwords import passwords_of
from translator.kubernetes.secret import certificate_of

SMALL, LARGE = 16 * 1024, 128 * 1024
BEGIN, END = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n"

Shape = Callable[[int], bytes]


def repeated(text: bytes, before: bytes = b"", behind: bytes = b"") -> Shape:
    """A text of about this size."""
    return lambda size: before + text * (size // len(text)) + behind


def with_modulus(size: int) -> bytes:
    """A certificate whose RSA key is as large as that."""
    public = tlv(SEQUENCE, number((1 << (size * 6 // 8 * 8)) - 1), number(65537))
    spki = tlv(SEQUENCE, tlv(SEQUENCE, tlv(OID, RSA), b"\5\0"), tlv(3, b"\0", public))
    return with_field(LEAF.certificate, "key", spki)


def with_names(size: int) -> bytes:
    """A certificate with many short names."""
    return with_field(
        LEAF.certificate, "extensions", extensions(extension(b"\x55\x1d\x11", tlv(SEQUENCE, *many(size))))
    )


def many(size: int) -> list[bytes]:
    """So many names."""
    return [tlv(0x82, b"a.test")] * (size * 6 // 80)


def with_long_subject(size: int) -> bytes:
    """A certificate whose subject has many parts."""
    part = tlv(SET, tlv(SEQUENCE, tlv(OID, COMMON_NAME), tlv(0x0C, b"a")))
    return with_field(LEAF.certificate, "subject", tlv(SEQUENCE, *[part] * (size * 3 // 4 // len(part))))


def with_extensions(size: int) -> bytes:
    """A certificate with many extensions."""
    part = extension(UNKNOWN, b"a")
    return with_field(LEAF.certificate, "extensions", extensions(*[part] * (size * 3 // 4 // len(part))))


def huge_key(size: int) -> bytes:
    """An RSA key of about this size."""
    return pem_of(tlv(SEQUENCE, *[number((1 << size) - 1)] * 6), b"RSA PRIVATE KEY")


SHAPES: dict[str, Shape] = {
    "BEGIN lines": repeated(BEGIN),
    "BEGIN lines, CRLF": repeated(BEGIN.replace(b"\n", b"\r\n")),
    "BEGIN lines, CR": repeated(BEGIN.replace(b"\n", b"\r")),
    "BEGIN lines on one line": repeated(BEGIN.strip()),
    "BEGIN lines behind text": repeated(b"x" + BEGIN),
    "BEGIN lines behind blanks": repeated(b" " * 200 + BEGIN),
    "BEGIN lines of other names": lambda size: b"".join(b"-----BEGIN A%d-----\n" % n for n in range(size // 20)),
    "BEGIN lines without an end": repeated(b"-----BEGIN A\n"),
    "BEGIN lines, then one END": repeated(BEGIN, behind=END),
    "END lines": repeated(END),
    "END lines behind a BEGIN": repeated(b"-----END A-----\n", BEGIN),
    "empty blocks": repeated(BEGIN + END),
    "small blocks": repeated(b"-----BEGIN A-----\nAAAA\n-----END A-----\n"),
    "blocks with headers": repeated(b"-----BEGIN A-----\nA: b\n\nAAAA\n-----END A-----\n"),
    "empty lines": repeated(b"\n"),
    "empty lines in a block": repeated(b"\n", BEGIN, END),
    "lines of blanks": repeated(b" " * 250 + b"x\n"),
    "lines of blanks in a block": repeated(b" " * 250 + b"x\n", BEGIN, END),
    "one line of blanks": repeated(b" "),
    "one line in a block": repeated(b"A", BEGIN, b"\n" + END),
    "one line": repeated(b"x"),
    "short lines": repeated(b"A\n", BEGIN, END),
    "short lines with control characters": repeated(b"A\f\n", BEGIN, END),
    "dashes": repeated(b"-"),
    "NUL": repeated(b"\0"),
    "certificates": repeated(ISSUER),
    "a chain": repeated(ISSUER, LEAF.certificate),
    "empty certificates": repeated(BEGIN + b"MAA=\n" + END),
    "keys": repeated(LEAF.key),
    "RSA keys behind a certificate": repeated(numbers(512).pair().key, LEAF.certificate),
    "a huge modulus": with_modulus,
    "many names": with_names,
    "a long subject": with_long_subject,
    "many extensions": with_extensions,
    "a huge key": huge_key,
}  # fmt: skip
PLACES = {
    "CA": lambda text: {"ca.crt": text},
    "chain": lambda text: {"tls.crt": text, "tls.key": LEAF.key},
    "key": lambda text: {"tls.crt": LEAF.certificate, "tls.key": text},
}


def document(text: bytes, place: str) -> dict[str, dict[str, str]]:
    return {"data": {name: base64.b64encode(value).decode() for name, value in PLACES[place](text).items()}}


def cost(text: bytes, place: str) -> float:
    """Seconds of CPU, the least of three."""
    return cost_of(certificate_of, document(text, place))


def cost_of(reads: Callable[[dict[str, dict[str, str]]], object], made: dict[str, dict[str, str]]) -> float:
    least = float("inf")
    for _ in range(3):
        began = time.process_time()
        reads(made)
        least = min(least, time.process_time() - began)
    return least


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_time_is_in_proportion_to_size(shape: Shape, place: str) -> None:
    small, large = shape(SMALL), shape(LARGE)
    # As much for a byte, but for a factor that no machine is so uneven for; what is quadratic has 8 times as much.
    allowed = 4 * cost(small, place) / len(small) * len(large)
    assert cost(large, place) < max(allowed, 0.02)


@pytest.mark.parametrize("hashed", ["", "{SHA}" + "A" * 27], ids=["no hashes", "hashes"])
def test_time_of_passwords_is_in_proportion_to_size(hashed: str) -> None:
    def users(count: int) -> dict[str, dict[str, str]]:
        text = "".join(f"{number}:{hashed}\n" for number in range(count))
        return {"data": {"auth": base64.b64encode(text.encode()).decode()}}

    few, many = 1_500, 12_000
    assert cost_of(passwords_of, users(many)) < max(4 * cost_of(passwords_of, users(few)) * many / few, 0.02)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_memory_is_in_proportion_to_size(shape: Shape) -> None:
    made = document(shape(LARGE), "chain")
    tracemalloc.start()
    try:
        certificate_of(made)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40 * LARGE


def test_a_large_rsa_key_is_not_proved_to_be_one() -> None:
    """The proof takes half a minute at the size just beyond ours, and seconds below."""
    for bits, said in ((8192, None), (8200, "has an RSA key of 8200 bits")):
        pair = numbers(bits).pair()
        made = {"tls.crt": pair.certificate, "tls.key": pair.key}
        began = time.process_time()
        found = certificate_of({"data": {name: base64.b64encode(text).decode() for name, text in made.items()}})
        assert time.process_time() - began < 1.0
        assert found is not None
        assert said in (found.unfit or "") if said else found.unfit is None

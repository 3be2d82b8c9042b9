"""Texts in PEM, well and badly made in many ways: the same change is made to certificates, to keys and to CAs."""

import base64
import random
import re
from collections.abc import Callable, Iterator

from tests.support.certificates import Pair, authority, new_authority

LEAF = authority().sign("leaf.test")
ISSUER = authority().pair.certificate
OTHER = new_authority("Other").pair.certificate

Change = Callable[[bytes], bytes]


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    return lambda text: b"\n".join(change(text.split(b"\n")))


def _body(change: Change) -> Change:
    """A change of what is between the first BEGIN and its END, as one line."""

    def made(text: bytes) -> bytes:
        begin, body, end, rest = re.split(rb"(?m)(?<=-----)\n|\n(?=-----END)", text, maxsplit=3)
        return b"\n".join([begin, change(body.replace(b"\n", b"")), end, rest])

    return made


def _wrapped(width: int) -> Change:
    return _body(lambda body: b"\n".join(body[at : at + width] for at in range(0, len(body), width)))


def _label(name: bytes) -> Change:
    return lambda text: re.sub(rb"(-----(?:BEGIN|END)) [^-\n]*-----", rb"\1 " + name + b"-----", text)


def _der(change: Change) -> Change:
    return _body(lambda body: base64.b64encode(change(base64.b64decode(body))))


CHANGES: dict[str, Change] = {
    "none": lambda text: text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "CR only": lambda text: text.replace(b"\n", b"\r"),
    "no last line end": lambda text: text.rstrip(),
    "many last line ends": lambda text: text + b"\n" * 9,
    "blank lines before": lambda text: b"\n\n \n" + text,
    "a comment before": lambda text: b"subject=CN\n" + text,
    "a long comment before": lambda text: b"x" * 1000 + b"\n" + text,
    "a comment of a whole piece before": lambda text: b"x" * 253 + text,
    "a comment of a whole piece and one before": lambda text: b"x" * 254 + text,
    "a comment behind": lambda text: text + b"end",
    "a comment beyond ASCII before": lambda text: "é\n".encode() + text,
    "a NUL before": lambda text: b"\0" + text,
    "a line with a NUL before": lambda text: b"a\0b\n" + text,
    "a mark before": lambda text: b"\xef\xbb\xbf" + text,
    "a blank before": lambda text: b" " + text,
    "indented": lambda text: b"  " + text.replace(b"\n", b"\n  "),
    "body indented": lambda text: text.replace(b"\n", b"\n  ").replace(b"  -----", b"-----"),
    "END indented": lambda text: text.replace(b"-----END", b"  -----END"),
    "blanks behind lines": lambda text: text.replace(b"\n", b" \t\n"),
    "form feed behind lines": lambda text: text.replace(b"\n", b"\f\n"),
    "text behind BEGIN": lambda text: text.replace(b"-----\n", b"----- x\n", 1),
    "text behind END": lambda text: text.rstrip() + b" x\n",
    "text before BEGIN": lambda text: text.replace(b"-----BEGIN", b"x-----BEGIN"),
    "a blank line behind BEGIN": lambda text: text.replace(b"-----\n", b"-----\n\n", 1),
    "a line of blanks behind BEGIN": lambda text: text.replace(b"-----\n", b"-----\n \t\n", 1),
    "a blank line before END": lambda text: text.replace(b"-----END", b"\n-----END"),
    "a blank line within": _lines(lambda lines: [*lines[:2], b"", *lines[2:]]),
    "a blank line behind each": lambda text: text.replace(b"\n", b"\n\n"),
    "in one line": _wrapped(100_000),
    "lines of 76": _wrapped(76),
    "lines of 63": _wrapped(63),
    "lines of 1": _wrapped(1),
    "lines of 252": _wrapped(252),
    "lines of 253": _wrapped(253),
    "lines of 254": _wrapped(254),
    "a blank line behind BEGIN and lines of 76": lambda text: CHANGES["a blank line behind BEGIN"](_wrapped(76)(text)),
    "blanks in base64": _body(lambda body: body[:10] + b" " + body[10:20] + b"\t" + body[20:]),
    "CR in base64": _body(lambda body: body[:10] + b"\r" + body[10:]),
    "a NUL in base64": _body(lambda body: body[:10] + b"\0" + body[10:]),
    "form feed in base64": _body(lambda body: body[:10] + b"\f" + body[10:]),
    "a sign in base64": _body(lambda body: body[:10] + b"!" + body[11:]),
    "for URLs": _body(lambda body: body.replace(b"+", b"-").replace(b"/", b"_").replace(b"AAA", b"A_-", 1)),
    "one character missing": _body(lambda body: body[:-5] + body[-4:]),
    "no padding": _body(lambda body: body.rstrip(b"=")[: len(body) // 4 * 4 - 3]),
    "padding behind": _body(lambda body: body + b"===="),
    "more behind padding": _body(lambda body: body[:-8] + b"AA==" + body[-8:]),
    "one sign of padding behind": _body(lambda body: body + b"="),
    "a quad behind": _body(lambda body: (body.rstrip(b"=") + b"AAA")[: len(body)] + b"AAAA"),
    "cut off": lambda text: text[:200],
    "half": lambda text: text[: len(text) // 2] + b"\n" + text[text.index(b"-----END") :],
    "no END": lambda text: text[: text.index(b"-----END")],
    "no BEGIN": lambda text: text[text.index(b"\n") + 1 :],
    "no dashes at the end of BEGIN": lambda text: text.replace(b"-----\n", b"----\n", 1),
    "more dashes": lambda text: text.replace(b"-----", b"------"),
    "another END": lambda text: text.replace(b"-----END ", b"-----END OTHER "),
    "two ENDs": lambda text: text + text[text.index(b"-----END") :],
    "two BEGINs": lambda text: text[: text.index(b"\n") + 1] + text,
    "lower case": lambda text: text.replace(b"BEGIN", b"begin").replace(b"END", b"end"),
    "two blanks in BEGIN": lambda text: text.replace(b"BEGIN ", b"BEGIN  "),
    "two blanks in both": lambda text: text.replace(b"BEGIN ", b"BEGIN  ").replace(b"END ", b"END  "),
    "an empty block": lambda text: text[: text.index(b"\n") + 1] + text[text.index(b"-----END") :],
    "an empty label": _label(b""),
    "headers": lambda text: text.replace(b"-----\n", b"-----\nA: b\n\n", 1),
    "headers without a blank line": lambda text: text.replace(b"-----\n", b"-----\nA: b\n", 1),
    "Proc-Type": lambda text: text.replace(b"-----\n", b"-----\nProc-Type: 4,MIC-CLEAR\n\n", 1),
    "as if encrypted": lambda text: text.replace(
        b"-----\n", b"-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n", 1
    ),
    "twice": lambda text: text + text,
    "joined on one line": lambda text: text.rstrip() + text,
    "joined with a blank": lambda text: text.rstrip() + b" " + text,
    "a mark before the second": lambda text: text + b"\xef\xbb\xbf" + text,
    "a blank before the second": lambda text: text + b" " + text,
    "the second cut off": lambda text: text + text[:100],
    "the second empty": lambda text: text + CHANGES["an empty block"](text),
    "the second with headers": lambda text: text + CHANGES["headers"](text),
    "the second not base64": lambda text: text + CHANGES["a sign in base64"](text),
    "the second for nobody": lambda text: text + b"-----BEGIN X-----\nAAAA\n-----END X-----\n",
    "the second for nobody and broken": lambda text: text + b"-----BEGIN X-----\nAAA\n-----END X-----\n",
    "the first for nobody": lambda text: b"-----BEGIN X-----\nAAAA\n-----END X-----\n" + text,
    "the first for nobody with headers": lambda text: b"-----BEGIN X-----\nA: b\n\nAAAA\n-----END X-----\n" + text,
    "the first for nobody and broken": lambda text: b"-----BEGIN X-----\nAAA\n-----END X-----\n" + text,
    "a mark before the second, and a third": lambda text: text + b"\xef\xbb\xbf" + text + text,
    "DER with something behind": _der(lambda der: der + b"\0\0\0"),
    "DER with a sequence behind": _der(lambda der: der + b"\x30\0"),
    "DER with a number behind": _der(lambda der: der + b"\x02\x01\x01"),
    "DER cut off": _der(lambda der: der[:-3]),
    "DER with a longer length": _der(lambda der: der[:3] + bytes([der[3] ^ 1]) + der[4:]),
    "DER of indefinite length": _der(lambda der: b"\x30\x80" + der[4:] + b"\0\0"),
    "DER in DER": _der(lambda der: b"\x30\x82" + len(der).to_bytes(2, "big") + der),
    "no DER": _der(lambda _: b"hello"),
    "an empty sequence": _der(lambda _: b"\x30\0"),
    "nothing": lambda _: b"\n",
    "only text": lambda _: b"hello\n",
    "another label": _label(b"FOO"),
    **{
        f"the label {name}": _label(name.encode())
        for name in [
            "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CRL", "CERTIFICATE REQUEST", "PKCS7",
            "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY",
            "ANY PRIVATE KEY", "PUBLIC KEY", "OPENSSH PRIVATE KEY", "certificate",
        ]
    },
}  # fmt: skip


def changed(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Each change of a text, by its name."""
    for name, change in CHANGES.items():
        yield name, change(text)


def flipped(text: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """A block in PEM with one byte of its DER different."""
    chance = random.Random(seed)
    for number in range(count):

        def flip(der: bytes) -> bytes:
            at = chance.randrange(len(der))
            return der[:at] + bytes([der[at] ^ (1 << chance.randrange(8))]) + der[at + 1 :]

        yield f"flip {number}", _der(flip)(text)


def pairs() -> dict[str, Pair]:
    """Certificates that are shown, with their keys: a change of one of both, or of what comes behind the first."""
    found = {f"certificate: {name}": Pair(text, LEAF.key) for name, text in changed(LEAF.certificate)}
    found |= {f"key: {name}": Pair(LEAF.certificate, text) for name, text in changed(LEAF.key)}
    found |= {f"chain: {name}": Pair(LEAF.certificate + text, LEAF.key) for name, text in changed(ISSUER)}
    return found


def authorities() -> dict[str, bytes]:
    """CAs: a change of the only one, or of the second."""
    found = {f"CA: {name}": text for name, text in changed(ISSUER)}
    found |= {f"second CA: {name}": ISSUER + text for name, text in changed(OTHER)}
    found |= {f"key beside a CA: {name}": ISSUER + text for name, text in changed(LEAF.key)}
    return found

"""What somebody may have put into the webhook's Secret: it is told to be broken, whatever it is, and at once."""

import datetime as dt
import time

import pytest

from tests.translator.kubernetes.der_corpus import INTEGER, der_of, pem_of, tlv, with_field
from tests.translator.kubernetes.key_corpus import numbers
from webhook.authority import BrokenError, Material, made

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
GOOD = made(None, (), frozenset({"webhook.test"}), NOW).data
HUGE = numbers(30_000).pair()
NO_KEY = pem_of(bytes.fromhex("3010020100300506032b65710404deadbeef"), b"PRIVATE KEY")


def version_4(certificate: bytes) -> bytes:
    return with_field(certificate, "version", tlv(0xA0, tlv(INTEGER, b"\3")))


BROKEN = {
    "a certificate of version 4": {"tls.crt": version_4(GOOD["tls.crt"])},
    "an authority of version 4": {"ca.crt": version_4(GOOD["ca.crt"])},
    "a certificate that was cut off": {"tls.crt": pem_of(der_of(GOOD["tls.crt"])[:-9])},
    "an RSA key beyond all sizes": {"tls.crt": HUGE.certificate, "tls.key": HUGE.key},
    "a large RSA key of another": {"tls.key": numbers(8192).pair().key},
    "an Ed448 key that is none": {
        "tls.key": pem_of(bytes.fromhex("3010020100300506032b65710404deadbeef"), b"PRIVATE KEY")
    },
    "a text": {"ca.key": b"hello"},
}


def test_what_we_made_is_read() -> None:
    assert Material.of(GOOD).data == GOOD


@pytest.mark.parametrize("entries", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_told_at_once(entries: dict[str, bytes]) -> None:
    began = time.process_time()
    with pytest.raises(BrokenError):
        Material.of(GOOD | entries)
    assert time.process_time() - began < 2.0

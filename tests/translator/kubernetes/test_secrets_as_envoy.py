"""The judgement of certificates, keys and CAs is Envoy's own: both are given the same texts, hundreds of them."""

import base64
from collections.abc import Callable, Mapping

import pytest

from tests.support.certificates import Pair
from tests.support.tls_verdicts import refused_by_envoy
from tests.translator.kubernetes import der_corpus, key_corpus, pem_corpus
from tests.translator.kubernetes.pem_corpus import ISSUER, LEAF
from tests.translator.kubernetes.test_kubernetes_secrets import REFUSED, REMARKED, TAKEN
from translator.kubernetes.secret import certificate_of

pytestmark = pytest.mark.envoy

ON_PURPOSE = (
    "it must have from 2048 to 8192",
    "has an RSA key of more than 8192 bits",
    "before a BEGIN (CERTIFICATE), which must be at the beginning of its line",
)
"""What is said of texts that Envoy takes and we do not: they cost much, or it passes over a certificate in silence."""

RARE = {"EC with a short scalar"}
"""What Envoy takes and we do not since the library does not, and nobody has."""


def refused_by_us(shown: Mapping[str, Pair], trusted: Mapping[str, bytes]) -> dict[str, str]:
    """Our own reasons, by name."""
    found = {name: _shown(pair) for name, pair in shown.items()}
    found |= {name: _read({"ca.crt": text}) for name, text in trusted.items()}
    return {name: said for name, said in found.items() if said}


def too_strict(ours: Mapping[str, str], envoys: Mapping[str, str]) -> dict[str, str]:
    """What we refuse and Envoy does not, but for what we want to."""
    found = {name: ours[name] for name in ours.keys() - envoys.keys() - RARE}
    return {name: said for name, said in found.items() if not any(text in said for text in ON_PURPOSE)}


def let_through(ours: Mapping[str, str], envoys: Mapping[str, str]) -> dict[str, str]:
    """What Envoy refuses and we do not."""
    return {name: envoys[name] for name in envoys.keys() - ours.keys()}


def _shown(pair: Pair) -> str | None:
    return _read({"tls.crt": pair.certificate, "tls.key": pair.key})


def _read(data: Mapping[str, bytes]) -> str | None:
    found = certificate_of({"data": {name: base64.b64encode(text).decode() for name, text in data.items()}})
    assert found is not None
    return found.problem or found.unfit


def flipped() -> dict[str, Pair]:
    """Certificates and keys in which one bit is another."""
    found = {}
    for title, pair in {"EC": LEAF, "RSA": key_corpus.numbers(2048).pair()}.items():
        for name, text in pem_corpus.flipped(pair.certificate, 200, seed=7):
            found[f"certificate of {title}, {name}"] = Pair(text, pair.key)
        for name, text in pem_corpus.flipped(pair.key, 200, seed=8):
            found[f"key of {title}, {name}"] = Pair(pair.certificate, text)
    return found


def fields(pair: Pair) -> dict[str, Pair]:
    """A certificate with each of its fields made otherwise."""
    return {name: Pair(text, pair.key) for name, text in der_corpus.certificates(pair.certificate).items()}


def fields_of_an_issuer() -> dict[str, Pair]:
    """The same of the certificate behind the first."""
    found = der_corpus.certificates(ISSUER)
    return {name: Pair(LEAF.certificate + text, LEAF.key) for name, text in found.items()}


def usual() -> dict[str, Pair]:
    """What people have, and what they do wrong."""
    return TAKEN | {name: pair for name, (pair, _) in (REMARKED | REFUSED).items()}


def certificates_with(made: Mapping[str, Pair]) -> dict[str, bytes]:
    """These certificates, as CAs."""
    return {name: pair.certificate for name, pair in made.items()}


def beside(made: Mapping[str, Pair]) -> dict[str, bytes]:
    """A CA, and these keys behind it."""
    return {name: ISSUER + pair.key for name, pair in made.items()}


SHOWN: Mapping[str, Callable[[], Mapping[str, Pair]]] = {
    "PEM": pem_corpus.pairs,
    "fields": lambda: fields(LEAF),
    "fields beside RSA": lambda: fields(key_corpus.numbers(2048).pair()),
    "fields of an issuer": fields_of_an_issuer,
    "sizes of RSA": key_corpus.sizes,
    "exponents of RSA": key_corpus.exponents,
    "numbers of RSA": key_corpus.inconsistent,
    "sorts of keys": key_corpus.sorts,
    "forms of keys": key_corpus.forms,
    "usual": usual,
}
TRUSTED: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
    "PEM": pem_corpus.authorities,
    "fields": lambda: der_corpus.certificates(ISSUER),
    "sizes of RSA": lambda: certificates_with(key_corpus.sizes()),
    "sorts of keys": lambda: certificates_with(key_corpus.sorts()),
    "keys beside, by size": lambda: beside(key_corpus.sizes()),
    "keys beside, by numbers": lambda: beside(key_corpus.inconsistent()),
    "keys beside, by sort": lambda: beside(key_corpus.sorts()),
    "keys beside, by form": lambda: beside(key_corpus.forms()),
}


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN)
def test_certificates_are_judged_as_envoy_judges_them(make: Callable[[], Mapping[str, Pair]]) -> None:
    made = make()
    ours, envoys = refused_by_us(made, {}), refused_by_envoy(made, {})
    assert let_through(ours, envoys) == {}
    assert too_strict(ours, envoys) == {}


@pytest.mark.parametrize("make", TRUSTED.values(), ids=TRUSTED)
def test_authorities_are_judged_as_envoy_judges_them(make: Callable[[], Mapping[str, bytes]]) -> None:
    made = make()
    ours, envoys = refused_by_us({}, made), refused_by_envoy({}, made)
    assert let_through(ours, envoys) == {}
    assert too_strict(ours, envoys) == {}


def test_nothing_that_envoy_refuses_is_let_through_when_a_bit_is_wrong() -> None:
    made = flipped()
    ours, envoys = refused_by_us(made, {}), refused_by_envoy(made, {})
    assert let_through(ours, envoys) == {}
    assert len(ours.keys() - envoys.keys()) <= len(made) // 100  # texts of rare kinds in names


def test_the_texts_are_of_both_kinds() -> None:
    """Else the tests above would hold nothing."""
    ours = refused_by_us(pem_corpus.pairs(), pem_corpus.authorities())
    everything = len(pem_corpus.pairs()) + len(pem_corpus.authorities())
    assert everything // 4 < len(ours) < everything * 3 // 4

"""A Secret that Envoy refuses is never taken for a good one: whoever needs it says why, and a last good one serves."""

from collections.abc import Callable

import pytest

from tests.e2e.test_mistakes import status
from tests.e2e.test_tls import secure_host, serial
from tests.support.certificates import Pair, authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream
from tests.translator.kubernetes.der_corpus import SEQUENCE, UTF8, der_of, pem_of, tlv, with_field
from tests.translator.kubernetes.der_corpus import name as a_name
from tests.translator.kubernetes.key_corpus import numbers

pytestmark = [pytest.mark.envoy, pytest.mark.system]

SAID = "Failed to load certificate chain"


def refused(pair: Pair) -> Pair:
    """This certificate as Envoy refuses it, for something that only Envoy looks at: the alias that OpenSSL may add."""
    alias = tlv(SEQUENCE, tlv(UTF8, b"\xff"))
    return Pair(pem_of(der_of(pair.certificate) + alias, b"TRUSTED CERTIFICATE"), pair.key)


def told(gateway: Gateway, kind: str, name: str) -> tuple[str, str]:
    """The state of an object, and all that is said of it."""
    found = status(gateway, f"{'core' if kind == 'Secret' else 'getambassador.io'}/{kind}/default/{name}")
    return found.get("state", ""), "; ".join(problem["message"] for problem in found.get("problems", ()))


def wait_told(gateway: Gateway, kind: str, name: str, state: str) -> str:
    """What is said of an object once it is in this state."""

    def said() -> str | None:
        now, text = told(gateway, kind, name)
        return text or "nothing" if now == state else None

    return wait_until(said, what=lambda: f"{kind} {name} {state}: {told(gateway, kind, name)}")


def test_whoever_needs_a_secret_repeats_why_envoy_refused_it(gateway: Gateway, red: HttpUpstream) -> None:
    name = "refused-secret.test"
    pair, (port,) = authority().sign(name), unused_ports(1)
    users = an_object("TLSContext", "user", {"secret": "refused-secret-test"})
    users += an_object("TCPMapping", "user", {"port": port, "host": name, "service": red.service})
    users += mapping("user", name, f"https://{red.service}", "/user/", tls="user")
    near = "near-refused-secret.test"
    with (
        gateway.applied("near", secure_host(near, authority().sign(near)) + mapping("near", near, red.service)),
        gateway.applied("users", users),
        gateway.applied(name, secure_host(name, refused(pair))),
    ):
        assert SAID in wait_told(gateway, "Secret", "refused-secret-test", "stopped")
        for kind, called in (("Host", name), ("TLSContext", "user"), ("TCPMapping", "user"), ("Mapping", "user")):
            assert SAID in wait_told(gateway, kind, called, "stopped")
        gateway.wait_served(near, tls=True, context=trusting(authority()))
        assert serial(gateway, name) is None
        gateway.apply(name, secure_host(name, pair))
        wait_told(gateway, "Host", name, "ok")
        wait_until(lambda: serial(gateway, name) == pair.serial, what="the mended certificate")


def test_the_last_good_certificate_serves_and_the_host_says_that_it_does(gateway: Gateway, red: HttpUpstream) -> None:
    name = "rotated-wrongly.test"
    good, new = authority().sign(name), authority().sign(name)
    secret = "rotated-wrongly"
    texts = host(name, name, insecure="Redirect", tlsSecret={"name": secret}) + mapping(secret, name, red.service)
    with (
        gateway.applied(name, texts),
        gateway.applied(secret, tls_secret(secret, good.certificate, good.key)),
    ):
        wait_until(lambda: serial(gateway, name) == good.serial, what="the first certificate")
        wait_told(gateway, "Host", name, "ok")
        bad = refused(new)
        gateway.apply(secret, tls_secret(secret, bad.certificate, bad.key))
        said = wait_told(gateway, "Host", name, "warned")
        assert SAID in said
        assert "the last version that it accepted keeps serving" in said
        assert serial(gateway, name) == good.serial
        gateway.kill("translator")
        gateway.apply("another", mapping("another", name, red.service, "/another/"))
        gateway.wait_served(name, "/another/", tls=True, context=trusting(authority()))
        assert SAID in wait_told(gateway, "Host", name, "warned")
        assert serial(gateway, name) == good.serial
        gateway.apply(secret, tls_secret(secret, new.certificate, new.key))
        wait_until(lambda: serial(gateway, name) == new.serial, what="the mended certificate")
        wait_told(gateway, "Host", name, "ok")
        gateway.remove("another")


@pytest.mark.parametrize("count", [1, 12, 30])
def test_many_secrets_of_which_one_is_refused(gateway: Gateway, red: HttpUpstream, count: int) -> None:
    """All at once, and nothing but the one is told."""
    names = [f"n{number}.many-{count}.test" for number in range(count)]
    pairs = {name: authority().sign(name) for name in names}
    bad = names[count // 2]
    texts = "".join(secure_host(name, refused(pair) if name == bad else pair) for name, pair in pairs.items())
    with gateway.applied(f"many-{count}", texts + mapping("many", f"*.many-{count}.test", red.service)):
        assert SAID in wait_told(gateway, "Host", bad, "stopped")
        for name in names:
            if name != bad:
                wait_told(gateway, "Host", name, "ok")
                wait_until(lambda name=name: serial(gateway, name) == pairs[name].serial, what=f"TLS of {name}")
        assert serial(gateway, bad) is None


def test_secrets_that_take_long_to_read_hold_nobody_up(gateway: Gateway, red: HttpUpstream) -> None:
    """Half a MiB of BEGIN lines, and an RSA key just beyond the largest; each is told, and others go on meanwhile."""
    good, large = authority().sign("costly.test"), numbers(8200).pair()
    lines = Pair(good.certificate + b"-----BEGIN CERTIFICATE-----\n" * 20_000, good.key)
    name = "beside-costly.test"
    texts = secure_host("lines.costly.test", lines) + secure_host("large.costly.test", large)
    with (
        gateway.applied("costly", texts),
        gateway.applied(name, host(name, name) + mapping("beside", name, red.service)),
    ):
        gateway.wait_served(name)
        assert "block 2 (CERTIFICATE) does not end" in wait_told(gateway, "Host", "lines.costly.test", "stopped")
        assert "has an RSA key of 8200 bits" in wait_told(gateway, "Host", "large.costly.test", "stopped")


FOUND_BEFORE = {
    "joined on one line": lambda pair: Pair(pair.certificate.strip() + authority().pair.certificate, pair.key),
    "text behind END": lambda pair: Pair(pair.certificate.strip() + b" end\n", pair.key),
    "a mark before the second": lambda pair: Pair(
        pair.certificate + b"\xef\xbb\xbf" + authority().pair.certificate, pair.key
    ),
    "a blank before the second": lambda pair: Pair(pair.certificate + b" " + authority().pair.certificate, pair.key),
    "no base64 in the second": lambda pair: Pair(
        pair.certificate + authority().pair.certificate.replace(b"M", b"*"), pair.key
    ),
    "an empty common name": lambda pair: Pair(with_field(pair.certificate, "subject", a_name(b"")), pair.key),
    "headers in the key": lambda pair: Pair(pair.certificate, pair.key.replace(b"-----\n", b"-----\nA: b\n\n", 1)),
}


@pytest.mark.parametrize("change", FOUND_BEFORE.values(), ids=FOUND_BEFORE)
def test_what_envoy_would_refuse_is_told_before_it_is_asked(gateway: Gateway, change: Callable[[Pair], Pair]) -> None:
    name = "found-before.test"
    with gateway.applied(name, secure_host(name, change(authority().sign(name)))):
        assert "which cannot be used: data[tls." in wait_told(gateway, "Host", name, "stopped")
        found = status(gateway, f"getambassador.io/Host/default/{name}")
        assert {problem["from"] for problem in found["problems"]} == {"dragoman"}
        assert "Envoy refused" not in told(gateway, "Secret", "found-before-test")[1]

"""The way to the first certificate by HTTP-01 (RFC 8555): a challenge is answered where nothing else is served yet."""

import pytest

from tests.support.certificates import authority, trusting
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

CHALLENGE = "/.well-known/acme-challenge/"


def test_a_challenge_is_answered_while_the_only_host_waits_for_its_secret(red: HttpUpstream) -> None:
    name, pair = "first.test", authority().sign("first.test")
    with Gateway() as gateway:
        texts = host("first", name, insecure="Redirect", tlsSecret={"name": "first"})
        texts += mapping("first", name, red.service) + mapping("challenge", name, red.service, CHALLENGE)
        gateway.apply("first", texts)
        assert gateway.wait_served(name, f"{CHALLENGE}token").json()["upstream"] == red.name
        assert gateway.is_ready()
        assert gateway.request(name).status_code == 404
        gateway.apply("secret", tls_secret("first", pair.certificate, pair.key))
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert gateway.request(name).status_code == 301
        assert gateway.request(name, f"{CHALLENGE}token").status_code == 200

"""Which requests of a chain count as secure, and what insecure ones get."""

import pytest

from tests.support.certificates import authority
from tests.translator.emissary.world import TLS, https

CLIENTS_CA = authority("Clients").pair.certificate


@pytest.mark.parametrize(
    ("model", "more", "tls", "clear"),
    [
        ("XFP", {}, "always", "never"),
        ("XFP", {"l7Depth": 1}, "forwarded", "forwarded"),
        ("SECURE", {}, "always", "always"),
        ("INSECURE", {}, "never", "never"),
    ],
)
def test_what_counts_as_secure(model: str, more: dict[str, object], tls: str, clear: str) -> None:
    made = https(securityModel=model, **more)
    made.host("one", "foo.com", **TLS)
    assert made.virtual_hosts("default/https/foo.com")["foo.com"].secure == tls
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].secure == clear


def test_the_header_decides_where_envoy_trusts_it() -> None:
    made = https()
    made.module(use_remote_address=False)
    made.host("one", "foo.com", **TLS)
    assert made.virtual_hosts("default/https/foo.com")["foo.com"].secure == "forwarded"


@pytest.mark.parametrize("action", ["Route", "Redirect", "Reject"])
def test_insecure_requests_get_what_the_host_says(action: str) -> None:
    made = https()
    made.host("one", "foo.com", requestPolicy={"insecure": {"action": action}})
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].insecure == action.lower()


def test_redirect_is_what_a_host_says_when_it_says_nothing() -> None:
    made = https()
    made.host("one", "foo.com")
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].insecure == "redirect"


def test_a_host_that_rejects_everything_at_a_listener_has_no_chain_there() -> None:
    made = https(securityModel="INSECURE")
    made.host("one", "foo.com", requestPolicy={"insecure": {"action": "Reject"}}, **TLS)
    assert made.chains == {}

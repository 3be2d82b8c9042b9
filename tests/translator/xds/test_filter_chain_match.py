"""Which connections a filter chain takes, as Envoy is told."""

from dataclasses import replace
from typing import Any

import pytest

from envoyapi import canonical
from envoyapi.config_listener_v3 import FilterChain
from translator import ir
from translator.xds.listener import Wants, encode_filter_chain, encode_listener

TLS = ir.TlsTermination(certificates=(ir.SecretRef("default", "tls"),))
TCP = ir.TcpChain(backends=(), stat_prefix="tcp")
CHAIN = ir.FilterChain(name="c", listener="l", server_names=(), tls=None, body=TCP)
HTTP = ir.HttpChain(options=ir.HttpOptions(), virtual_hosts=())


def match(chain: ir.FilterChain) -> dict[str, Any]:
    found: dict[str, Any] = canonical.to_json(
        "envoy.config.listener.v3.FilterChain", bytes(encode_filter_chain(chain))
    ).get("filter_chain_match", {})
    return found


def test_tcp_for_everyone_takes_connections_that_begin_with_tls_too() -> None:
    assert match(CHAIN) == {}


def test_every_other_chain_says_whether_it_is_for_tls() -> None:
    assert match(replace(CHAIN, body=HTTP)) == {"transport_protocol": "raw_buffer"}
    assert match(replace(CHAIN, body=HTTP, tls=TLS)) == {"transport_protocol": "tls"}
    assert match(replace(CHAIN, tls=TLS)) == {"transport_protocol": "tls"}
    named = {"server_names": ["a.com"], "transport_protocol": "tls"}
    assert match(replace(CHAIN, tls=TLS, server_names=("a.com",))) == named


@pytest.mark.parametrize(
    ("wanted", "goes_on"),
    [
        (("anything",), False),
        (("tls",), False),
        (("tls", "clear text"), False),
        (("tls", "anything"), True),
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
def test_a_silent_client_goes_on_only_where_a_server_may_speak_first(
    wanted: tuple[Wants, ...], goes_on: bool, proxied: bool
) -> None:
    listener = ir.Listener("l", "0.0.0.0", 1, proxy_protocol=proxied)
    made = encode_listener(listener, {each: (each, bytes(FilterChain(name=each))) for each in wanted})
    shown = canonical.to_json("envoy.config.listener.v3.Listener", made.body)
    said = (shown.get("listener_filters_timeout"), shown.get("continue_on_listener_filters_timeout"))
    assert said == (("1s", True) if goes_on and not proxied else (None, None))

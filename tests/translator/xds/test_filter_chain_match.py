"""Which connections a filter chain takes, as Envoy is told."""

from dataclasses import replace
from typing import Any

from envoyapi import canonical
from translator import ir
from translator.xds.listener import encode_filter_chain

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

"""A listener of UDP in Envoy's words: QUIC and nothing of TCP's; and what clients of TCP are told of it."""

from envoyapi import canonical
from translator import ir
from translator.xds.listener import encode_filter_chain, encode_listener
from translator.xds.route_configuration import Head, encode_route_configuration

SECRET = ir.SecretRef("default", "quote")
TLS = ir.TlsTermination(
    (SECRET,), versions=ir.TlsVersions("v1.2", "v1.2"), cipher_suites=("ECDHE-RSA-AES128-GCM-SHA256",)
)


def chain(*, quic: bool) -> ir.FilterChain:
    body = ir.HttpChain(ir.HttpOptions(max_concurrent_streams=7), ())
    return ir.FilterChain("default/l/a.test", "default/l", ("a.test",), TLS, body, quic=quic)


def test_a_listener_of_udp_has_quic_and_nothing_of_tcp() -> None:
    encoded = encode_filter_chain(chain(quic=True))
    listener = ir.Listener("default/l", "::", 8443, quic=True)
    row = encode_listener(listener, {"default/l/a.test": (True, bytes(encoded))})
    shown = canonical.to_json("envoy.config.listener.v3.Listener", row.body)
    address = {"protocol": "UDP", "address": "::", "port_value": 8443, "ipv4_compat": True}
    assert shown["address"] == {"socket_address": address}
    assert shown["udp_listener_config"] == {"quic_options": {}, "downstream_socket_config": {"prefer_gro": True}}
    assert "listener_filters" not in shown
    (found,) = shown["filter_chains"]
    assert found["filter_chain_match"] == {"server_names": ["a.test"], "transport_protocol": "quic"}
    transport = found["transport_socket"]["typed_config"]
    assert transport["@type"].endswith("quic.v3.QuicDownstreamTransport")
    assert transport["enable_early_data"] is False
    context = transport["downstream_tls_context"]["common_tls_context"]
    assert context["alpn_protocols"] == ["h3"]
    assert "tls_params" not in context
    manager = found["filters"][0]["typed_config"]
    assert manager["codec_type"] == "HTTP3"
    assert manager["http3_protocol_options"] == {"quic_protocol_options": {"max_concurrent_streams": 7}}


def test_clients_of_tcp_are_told_of_the_port_and_of_the_usual_one() -> None:
    def told(port: int | None) -> list[str]:
        row = encode_route_configuration("default/l/a.test", Head(http3_port=port), b"")
        shown = canonical.to_json("envoy.config.route.v3.RouteConfiguration", row.body)
        return [each["header"]["value"] for each in shown.get("response_headers_to_add", ())]

    assert told(None) == []
    assert told(443) == ['h3=":443"; ma=86400']
    assert told(8443) == ['h3=":8443"; ma=86400, h3=":443"; ma=86400']

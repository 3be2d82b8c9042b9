"""TLS towards services: by which name they are asked for, in which version, and that nothing makes it clear text."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import authority
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, service
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


@contextmanager
def secure(folder: Path, **versions: ssl.TLSVersion) -> Iterator[tuple[HttpUpstream, list[str | None]]]:
    """A server that speaks TLS, and the names that it was asked for."""
    pair = authority("Backends").sign("backend.test")
    (folder / "server.pem").write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    for name, version in versions.items():
        setattr(context, name, version)
    asked: list[str | None] = []
    context.set_servername_callback(lambda _, name, __: asked.append(name))
    with HttpUpstream("secure", tls=context) as upstream:
        yield upstream, asked


def test_a_service_is_asked_for_by_its_name_unless_something_else_says_so(gateway: Gateway, tmp_path: Path) -> None:
    name = "sni.test"
    with secure(tmp_path) as (upstream, asked):
        by_name = f"https://localhost:{upstream.port}"
        wanted: dict[str, tuple[str | None, dict[str, Any]]] = {
            "name": ("localhost", {"service": by_name}),
            "address": (None, {"service": f"https://{upstream.service}"}),
            "alias": ("localhost", {"service": f"https://outside:{upstream.port}"}),
            "context": ("other.test", {"service": by_name, "tls": "sni-context"}),
            "without": ("localhost", {"service": by_name, "tls": "sni-less"}),
            "rewritten": ("localhost", {"service": by_name, "host_rewrite": "rewritten.test"}),
        }
        texts = (
            host(name, name)
            + service("outside", {}, type="ExternalName", externalName="localhost")
            + an_object("TLSContext", "sni-context", {"sni": "other.test"})
            + an_object("TLSContext", "sni-less", {"alpn_protocols": "http/1.1"})
            + "".join(
                mapping(f"sni-{word}", name, prefix=f"/{word}/", cluster_tag=word, **spec)
                for word, (_, spec) in wanted.items()
            )
        )
        with gateway.applied(name, texts):
            for word, (sni, _) in wanted.items():
                gateway.wait_served(name, f"/{word}/")
                assert asked == [sni], word
                asked.clear()


@pytest.mark.parametrize(
    ("server", "context", "spoken"),
    [
        ({}, {}, "TLSv1.3"),
        ({"minimum_version": ssl.TLSVersion.TLSv1_3}, {}, "TLSv1.3"),
        ({"maximum_version": ssl.TLSVersion.TLSv1_2}, {}, "TLSv1.2"),
        ({}, {"max_tls_version": "v1.2"}, "TLSv1.2"),
        ({}, {"min_tls_version": "v1.3"}, "TLSv1.3"),
    ],
    ids=["default", "server wants 1.3", "server knows 1.2", "context wants 1.2", "context wants 1.3"],
)
def test_tls_1_3_is_spoken_with_services(
    gateway: Gateway, tmp_path: Path, server: dict[str, ssl.TLSVersion], context: dict[str, str], spoken: str
) -> None:
    name = "versions.test"
    with secure(tmp_path, **server) as (upstream, _):
        texts = (
            host(name, name)
            + an_object("TLSContext", "versions", context)
            + mapping("versions", name, f"https://{upstream.service}", tls="versions")
            + mapping("unsaid", name, f"https://{upstream.service}", "/unsaid/")
        )
        with gateway.applied(name, texts):
            assert gateway.wait_served(name).json()["tls"] == spoken
            if not context:
                assert gateway.wait_served(name, "/unsaid/").json()["tls"] == spoken


@pytest.mark.parametrize("service_", ["{}", "http://{}", "https://{}"])
def test_an_unknown_tlscontext_never_means_clear_text(gateway: Gateway, red: HttpUpstream, service_: str) -> None:
    """Demand 7, and the reference's 1.1 `tls`: Emissary sends the requests in clear text, to port 80."""
    name = "unknown-context.test"
    texts = (
        host(name, name)
        + mapping("unknown", name, service_.format(red.service), "/unknown/", tls="nobody")
        + mapping("known", name, red.service, "/known/")
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/known/")
        red.seen.clear()
        assert gateway.request(name, "/unknown/").status_code == 404
        assert red.seen == []
        with gateway.applied("late-context", an_object("TLSContext", "nobody", {"sni": "late.test"})):
            gateway.wait_served(name, "/unknown/", status=503)  # TLS, which the server does not speak
            assert red.seen == []
        gateway.wait_served(name, "/unknown/", status=404)
        assert red.seen == []

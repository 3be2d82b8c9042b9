"""Who shares a Secret with others does them no harm: Envoy refuses the Secret for what one who uses it asks of TLS."""

from typing import Any

import pytest

from tests.e2e.test_refused_secrets import told, wait_told
from tests.e2e.test_tls import serial
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import host, tls_secret

pytestmark = [pytest.mark.envoy, pytest.mark.system]

WRONG: dict[str, dict[str, Any]] = {
    "cipher": {"cipher_suites": ["TLS_RSA_WITH_NOTHING"]},
    "bracket": {"cipher_suites": ["[AES128-SHA"]},
    "curve": {"ecdh_curves": ["P-256", "prime256v1"]},
    "alpn": {"alpn_protocols": ",".join(["h2"] * 22_000)},
}


def test_at_the_start_nobodys_tls_settings_stop_others_with_the_same_secret() -> None:
    pair = authority().sign("shared.test")
    texts = tls_secret("shared", pair.certificate, pair.key)
    texts += host("shared", "shared.test", tlsSecret={"name": "shared"})
    for name, wrong in WRONG.items():
        texts += host(name, f"{name}.test", tlsSecret={"name": "shared"}, tls=wrong)
    gateway = Gateway()
    gateway.apply("shared", texts)
    with gateway:
        wait_until(lambda: serial(gateway, "shared.test") == pair.serial, what="the certificate")
        wait_told(gateway, "Host", "shared", "ok")
        for name in WRONG:
            assert "Envoy refused" not in wait_told(gateway, "Host", name, "stopped"), name
        assert told(gateway, "Secret", "shared") == ("ok", "")

"""A folder without a Host, as people begin: every name is served, in clear text and by TLS."""

import pytest

from tests.support.gateway import Gateway
from tests.support.objects import an_object, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

EVERYWHERE = {"securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}


def test_every_name_is_served_and_nobody_is_redirected(red: HttpUpstream) -> None:
    gateway = Gateway(listeners=False)
    for name, port, protocol in (("http", gateway.http_port, "HTTP"), ("https", gateway.https_port, "HTTPS")):
        gateway.apply(name, an_object("Listener", name, {"port": port, "protocol": protocol, **EVERYWHERE}))
    gateway.apply("quote", mapping("quote", "*", red.service, "/quote/"))
    with gateway:
        assert gateway.wait_served("any.test", "/quote/").json()["upstream"] == "red"
        assert gateway.request("any.test", "/quote/", tls=True).status_code == 200
        assert gateway.request("any.test", "/other/").status_code == 404

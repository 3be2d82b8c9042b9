"""`l5d-dst-override`: each request tells Linkerd's proxy the service that it is for, whatever a client wrote."""

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

HEADER = "l5d-dst-override"


def test_a_request_names_its_service_and_a_copy_its_own(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name = "linkerd.test"
    added = {HEADER: {"value": "mine:1", "append": False}}
    texts = (
        host(name, name)
        + mapping("on", name, red.service, "/on/", add_linkerd_headers=True)
        + mapping("copy", name, f"localhost:{blue.port}", "/on/", shadow=True, add_linkerd_headers=True)
        + mapping("off", name, red.service, "/off/", add_linkerd_headers=False)
        + mapping("unsaid", name, red.service, "/unsaid/")
        + mapping("own", name, red.service, "/own/", add_linkerd_headers=True, add_request_headers=added)
    )

    def seen(path: str) -> str | None:
        headers = gateway.wait_served(name, path, headers={HEADER: "evil:80"}).json()["headers"]
        return None if HEADER not in headers else str(headers[HEADER])

    with gateway.applied(name, texts):
        assert seen("/on/") == red.service
        wait_until(lambda: blue.seen, what="a copy")
        assert blue.seen[0]["headers"][HEADER] == f"localhost:{blue.port}"
        assert seen("/own/") == "mine:1"
        assert seen("/off/") == "evil:80"
        assert seen("/unsaid/") == "evil:80"
        with gateway.applied("linkerd", an_object("Module", "ambassador", {"config": {"add_linkerd_headers": True}})):
            wait_until(lambda: seen("/unsaid/") == red.service, what="the Module's word")
            assert seen("/off/") == "evil:80"


def test_a_service_without_a_port_and_a_redirect(gateway: Gateway) -> None:
    """The port is that of the scheme; who is redirected reaches no service."""
    name = "linkerd-redirect.test"
    text = mapping("away", name, "else.test", "/away/", host_redirect=True, add_linkerd_headers=True)
    with gateway.applied(name, host(name, name) + text):
        assert gateway.wait_served(name, "/away/", status=301).headers["location"] == "http://else.test/away/"

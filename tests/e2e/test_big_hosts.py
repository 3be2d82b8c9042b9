"""A Host with hundreds of Mappings, which Envoy holds as a tree, answers as one with a few does."""

from collections.abc import Iterator

import pytest

from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.raw import RawConnection

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "big.test"
TENANTS = 120


@pytest.fixture(scope="module")
def big(gateway: Gateway) -> Iterator[RawConnection]:
    """Mappings that Envoy answers itself, by a redirect to their names."""

    def answering(name: str, prefix: str, **spec: object) -> str:
        return mapping(name, NAME, f"{name}.answers", prefix, host_redirect=True, **spec)

    texts = host("big", NAME) + answering("root", "/") + answering("every", "/t/") + answering("any", "/q/")
    for number in range(TENANTS):
        texts += answering(f"path-{number}", f"/api-{number}/")
        texts += answering(f"tenant-{number}", "/t/", headers={"x-tenant": f"t{number}"})
        texts += answering(f"query-{number}", "/q/", query_parameters={"tenant": f"t{number}"})
    for number in range(0, TENANTS, 10):
        texts += answering(f"regex-{number}", f"/api-{number}/v[0-9]+/.*", prefix_regex=True)
    for method in ("POST", "PUT"):
        texts += "".join(answering(f"{method.lower()}-{each}", f"/m{each}", method=method) for each in range(40))
    texts += answering("images", r"/.*[.]png", prefix_regex=True, precedence=1)
    texts += answering("caseless", "/CASE/", case_sensitive=False)
    with gateway.applied(NAME, texts):
        gateway.wait_served(NAME, "/", status=301)
        with RawConnection(gateway.http_port) as connection:
            yield connection


def answered(connection: RawConnection, path: str, *lines: str, method: str = "GET") -> str | None:
    """The name of the Mapping that answers."""
    location = connection.ask(NAME, path, *lines, method=method).header("location")
    return None if location is None else location.split("/")[2].removesuffix(".answers")


def test_regular_expressions_are_met_where_they_begin_and_everywhere(big: RawConnection) -> None:
    assert answered(big, "/api-10/v1/x") == "regex-10"
    assert answered(big, "/api-10/v1/x?y=/v2") == "regex-10"
    assert answered(big, "/api-10/vx/x") == "path-10"
    assert answered(big, "/api-11/v1/x") == "path-11"
    assert answered(big, "/api-1/x") == "path-1"
    assert answered(big, "/api-10/v1/x.png") == answered(big, "/api-11/x.png") == answered(big, "/x.png") == "images"
    assert answered(big, "/case/x") == answered(big, "/CaSe/") == "caseless"
    assert answered(big, "/api") == "root"


def test_headers_and_methods_are_looked_up(big: RawConnection) -> None:
    assert answered(big, "/t/x", "x-tenant: t77") == "tenant-77"
    assert answered(big, "/t/x", "x-tenant: t770") == answered(big, "/t/x") == "every"
    assert answered(big, "/t/x", "x-tenant: none", "x-tenant: t77") == "tenant-77"
    assert answered(big, "/t/x", "x-tenant: none,t77") == "every"
    assert answered(big, "/m7", method="PUT") == "put-7"
    assert answered(big, "/m7", method="POST") == "post-7"
    assert answered(big, "/m7") == "root"


def test_query_parameters_are_told_apart(big: RawConnection) -> None:
    assert answered(big, "/q/x?tenant=t77") == answered(big, "/q/x?a=b&tenant=t77&c") == "query-77"
    assert answered(big, "/q/x?tenant=t77&tenant=t5") == "query-77"
    assert answered(big, "/q/x?tenant=t770") == answered(big, "/q/x?Tenant=t77") == "any"
    assert answered(big, "/q/x?tenant=%7477") == answered(big, "/q/x?a=?tenant=t77") == "any"

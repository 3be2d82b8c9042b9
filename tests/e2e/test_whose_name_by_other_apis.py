"""Who answers for a name of Gateway API or of an Ingress that its own mistake stops, asked of a real Envoy: nobody."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.test_whose_name import Connection, spelled, unexpected
from tests.support.certificates import authority
from tests.support.gateway import Gateway
from tests.support.gateway_api import CLASS, api_gateway, backing, document, gateway_class, https, listener, route, rule
from tests.support.gateway_api import to as to_service
from tests.support.objects import host, mapping, tls_secret
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

OLD = "2001-01-01T00:00:00Z"
LISTENERS: dict[str, dict[str, Any]] = {
    "number": {"name": 5},
    "listed": {"hostname": ["{}"]},
    "address": {"hostname": "https://{}/"},
    "port": {"hostname": "{}:80"},
    "root": {"hostname": "{}."},
    "text": {"port": "text"},
    "protocol": {"protocol": 5},
    "unknown": {"protocol": "SPDY"},
    "routes": {"allowedRoutes": 5},
    "twice": {"name": "clear"},
}
SETS: dict[str, Any] = {
    "all": {"namespaces": {"from": "All"}},
    "same": {"namespaces": {"from": "Same"}},
    "unread": {"namespaces": {"from": 5}},
    "text": "All",
}
"""What Gateways that cannot be read say of ListenerSets."""
ROUTES: dict[str, dict[str, Any]] = {
    "one": {"hostnames": "{}"},
    "rport": {"hostnames": ["{}:80"]},
    "rroot": {"hostnames": ["{}."]},
    "parent": {"parentRefs": "wide"},
    "section": {"parentRefs": [{"name": "wide", "sectionName": 5}]},
    "rules": {"rules": 5},
}


def put(value: Any, name: str) -> Any:
    return json.loads(json.dumps(value).replace("{}", name))


def stopped(kind: str, wrong: dict[str, Any], name: str, ports: tuple[int, int]) -> str:
    """A Gateway with a listener in clear text and one in TLS, both with the mistake."""
    listeners = [
        {"name": "clear", "port": ports[0], "protocol": "HTTP", "hostname": name},
        {
            "name": "tls",
            "port": ports[1],
            "protocol": "HTTPS",
            "hostname": name,
            "tls": {"certificateRefs": [{"name": "by-wide"}]},
        },
    ]
    said = put(wrong, name)
    made = [{**each, **said, **({"port": str(each["port"])} if "port" in said else {})} for each in listeners]
    return document("Gateway", f"sec-{kind}", {"gatewayClassName": CLASS, "listeners": made})


def stopped_with_set(kind: str, allowed: Any, name: str, ports: tuple[int, int]) -> str:
    """A Gateway that cannot be read, and a ListenerSet of its that can."""
    listeners = [
        listener("clear", ports[0], hostname=name),
        https("tls", ports[1], name, "by-wide"),
    ]
    spec = {"gatewayClassName": CLASS, "listeners": listeners, "addresses": 5, "allowedListeners": allowed}
    own = [{**each, "hostname": f"own-{name}"} for each in listeners]
    made = document("Gateway", f"with-set-{kind}", {**spec, "listeners": own})
    return made + document("ListenerSet", kind, {"parentRef": {"name": f"with-set-{kind}"}, "listeners": listeners})


@pytest.fixture(scope="module")
def ports(gateway: Gateway, red: HttpUpstream) -> Iterator[tuple[int, int]]:
    """A Gateway for all names, with a route for all of them, in clear text and by TLS; and all the others."""
    clear, secure = unused_ports(2)
    found = (clear, secure)
    pair = authority().sign("*.sec.test")
    texts = gateway_class() + backing("by-red", red.port) + tls_secret("by-wide", pair.certificate, pair.key)
    wide = (listener("http", clear), https("https", secure, None, "by-wide"))
    texts += api_gateway("wide", *wide, created=OLD) + route("wide", "wide", rule("/", to_service("by-red")))
    for kind, wrong in LISTENERS.items():
        texts += stopped(kind, wrong, f"{kind}.sec.test", found)
        texts += stopped(f"wide-{kind}", wrong, f"*.{kind}.sec.test", found)
    for kind, allowed in SETS.items():
        texts += stopped_with_set(kind, allowed, f"set-{kind}.sec.test", found)
    for kind, wrong in ROUTES.items():
        spec = {"parentRefs": [{"name": "wide"}], "hostnames": [f"{kind}.sec.test"]}
        spec |= {"rules": [rule("/", to_service("by-red"))], **put(wrong, f"{kind}.sec.test")}
        texts += document("HTTPRoute", f"sec-{kind}", spec)
    texts += host("zz-others", "others.test") + mapping("zz-others", "others.test", "127.0.0.1:9", "/none")
    with gateway.applied("others", texts):
        gateway.wait_served("others.test", "/none", status=503)
        yield found


def names() -> list[str]:
    """All that are shut, and below them those of globs."""
    return [
        *[f"{below}{kind}.sec.test" for kind in LISTENERS for below in ("", "x.")],
        *[f"{beginning}{kind}.sec.test" for kind in SETS for beginning in ("set-", "own-set-")],
        *[f"{kind}.sec.test" for kind in ROUTES],
    ]


def test_nobody_answers_in_clear_text(ports: tuple[int, int]) -> None:
    with Connection(ports[0]) as clear:
        assert clear.ask("open.test") == 200
        assert unexpected(clear, [spelling for name in names() for spelling in spelled(name)], 404) == {}


def test_nobody_answers_by_tls(ports: tuple[int, int]) -> None:
    for sni in ("open.test", None):
        with Connection(ports[1], sni, tls=True) as connection:
            assert connection.ask(sni or "open.test") == 200
            for name in names():
                expected = 404 if name.partition(".")[0] in ROUTES else 421
                assert connection.ask(name) == expected, name

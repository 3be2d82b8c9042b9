"""A status of Gateway API has its messages on one line, whatever they quote: Kubernetes lets names be any text."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, to, world
from translator.gateway.conditions import LONGEST, false

ODD = "a\n2026-01-01 ERROR all is lost\x1b[31m\u202e\u2028\x00"


def route(made: GatewayWorld, **fields: Any) -> str:
    return made.route("r", {"backendRefs": [to()], **fields})


def gateway(made: GatewayWorld, **fields: Any) -> str:
    return made.gateway("web", {"name": "http", "port": 8000, "protocol": "HTTP", **fields})


def policy(made: GatewayWorld) -> str:
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": ODD}
    return made.put("RoutePolicy", "p", {"targetRefs": [target], "timeout_ms": 5})


ODDITIES = {
    "a backend": lambda made: route(made, backendRefs=[to(ODD)]),
    "a type of filter": lambda made: route(made, filters=[{"type": ODD}]),
    "a protocol": lambda made: gateway(made, protocol=ODD),
    "a Secret": lambda made: gateway(made, protocol="HTTPS", tls={"certificateRefs": [{"name": ODD}]}),
    "a target": policy,
}


def messages(status: Any) -> Iterator[str]:
    if isinstance(status, dict):
        yield from [status["message"]] if "message" in status else ()
        status = list(status.values())
    for each in status if isinstance(status, list) else ():
        yield from messages(each)


@pytest.mark.parametrize("what", ODDITIES)
def test_messages_are_on_one_line(what: str) -> None:
    made = world()
    key = ODDITIES[what](made)
    said = list(messages(made.status(key)))
    assert any("2026-01-01 ERROR" in message for message in said)
    assert [message for message in said if not message.isprintable()] == []


def test_they_are_short_also_when_they_are_escaped() -> None:
    assert len(false("Accepted", "Invalid", "\x1b" * LONGEST).json()["message"]) <= LONGEST

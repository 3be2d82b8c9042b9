"""A GatewayClass that its own mistake stops: its Gateways keep their names, of a real Envoy, and everybody is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.test_whose_name import Connection, spelled, unexpected
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import (
    CONTROLLER,
    api_gateway,
    backing,
    document,
    gateway_class,
    https,
    listener,
    route,
    rule,
    to,
)
from tests.support.objects import tls_secret
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

CLASS_KEY = "gateway.networking.k8s.io/GatewayClass/default/"
OURS = {"controllerName": CONTROLLER}


def classes() -> dict[str, str]:
    """Documents of GatewayClasses, each of them with another mistake, by their names."""
    good = json.loads(gateway_class("{}").rpartition("\n---\n")[0])

    def wrong(**fields: Any) -> str:
        return json.dumps({**good, **fields})

    lines = f"spec:\n  controllerName: {CONTROLLER}\n"
    head = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata:\n  name: {}\n"
    found = {
        "number": wrong(spec={**OURS, "x": 10**30}),
        "yaml": f"{head}{lines}status: [",
        "quotes": f'{head}{lines}  description: "x',
        "twice": f"{head}{lines}kind: GatewayClass",
        "controller": wrong(spec={"controllerName": 5}),
        "listed": wrong(spec={"controllerName": [CONTROLLER]}),
        "without": wrong(spec={}),
        "nothing": wrong(spec=5),
        "labels": wrong(metadata={"name": "{}", "labels": 5}),
        "word": wrong(metadata={"name": "{}", "labels": {"getambassador.io/addresses": "own"}}),
        "parameters": wrong(spec={**OURS, "parametersRef": {"group": "", "kind": "ConfigMap", "name": "x"}}),
    }
    return {name: text.replace("{}", name) for name, text in found.items()}


CLASSES = classes()


@pytest.fixture(scope="module")
def ports(gateway: Gateway, red: HttpUpstream) -> Iterator[tuple[int, int]]:
    """A Gateway for all names of a class that is well; and two of each that is not: for a name, and what is below."""
    clear, secure = unused_ports(2)
    pair = authority().sign("*.class.test")
    texts = gateway_class() + backing("by-red", red.port) + tls_secret("by-wide", pair.certificate, pair.key)
    wide = (listener("http", clear), https("https", secure, None, "by-wide"))
    texts += api_gateway("wide", *wide, created="2001-01-01T00:00:00Z") + route("wide", "wide", rule("/", to("by-red")))
    for name, text in CLASSES.items():
        gateway.apply(f"class-{name}", text)
        for what, hostname in (("own", f"{name}.class.test"), ("below", f"*.{name}.class.test")):
            listeners = [listener("clear", clear, hostname=hostname), https("tls", secure, hostname, "by-wide")]
            spec = {"gatewayClassName": name, "listeners": listeners}
            texts += document("Gateway", f"{what}-{name}", spec)
            texts += route(f"{what}-{name}", f"{what}-{name}", rule("/", to("by-red")))
    told = [f"{CLASS_KEY}{name}" for name in CLASSES]
    wait_until(lambda: all(key in gateway.diag()["objects"] for key in told), what="the classes are judged")
    with gateway.applied("classes", texts):
        yield clear, secure
    for name in CLASSES:
        gateway.remove(f"class-{name}")


def names() -> list[str]:
    return [f"{below}{name}.class.test" for name in CLASSES for below in ("", "x.")]


def test_nobody_answers_for_the_names_of_their_gateways(ports: tuple[int, int]) -> None:
    with Connection(ports[0]) as clear:
        wait_until(lambda: clear.ask("open.test") == 200, what="the wide Gateway is served")
        assert unexpected(clear, [spelling for name in names() for spelling in spelled(name)], 404) == {}
    with Connection(ports[1], "open.test", tls=True) as secure:
        assert secure.ask("open.test") == 200
        assert {name: secure.ask(name) for name in names()} == dict.fromkeys(names(), 421)


def test_the_class_and_its_gateways_are_told(gateway: Gateway, ports: tuple[int, int]) -> None:
    objects = gateway.diag()["objects"]
    for name in CLASSES:
        assert objects[f"{CLASS_KEY}{name}"]["problems"], name
        (told,) = objects[f"gateway.networking.k8s.io/Gateway/default/own-{name}"]["problems"]
        assert told["path"] == "spec.gatewayClassName"
        assert told["message"].startswith(f"its GatewayClass {name} is not accepted: ")


def test_a_class_that_is_mended_serves_its_gateways(gateway: Gateway, ports: tuple[int, int]) -> None:
    name = "yaml.class.test"
    with Connection(ports[0]) as clear:
        assert clear.ask(name) == 404
        gateway.apply("class-yaml", gateway_class("yaml"))
        wait_until(lambda: clear.ask(name) == 200, what="served")
        gateway.apply("class-yaml", CLASSES["yaml"])
        wait_until(lambda: "class-yaml.yaml" in str([*gateway.diag()["files"]]), what="the file is told again")
        assert clear.ask(name) == 200, "what was read once goes on"

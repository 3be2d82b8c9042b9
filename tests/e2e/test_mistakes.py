"""What people write wrong stops that object only, and is told with file, object, field and reason."""

import datetime as dt
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support import plain
from tests.support.credulous import UNREADABLE, credulous
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def status(gateway: Gateway, key: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.diag()["objects"].get(key, {})
    return found


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"prefix": "/v(", "prefix_regex": True}, "spec.prefix"),
        ({"regex_headers": {"x": "("}}, "spec.regex_headers"),
        ({"retry_policy": {"retry_on": "sometimes"}}, "spec.retry_policy.retry_on"),
        ({"retry_policy": {"retry_on": "5xx", "per_try_timeout": "soon"}}, "spec.retry_policy.per_try_timeout"),
        ({"timeout_ms": -1}, "spec.timeout_ms"),
        ({"timeout_ms": "long"}, "spec.timeout_ms"),
        ({"weight": 101}, "spec.weight"),
        ({"add_request_headers": {"bad name": {"value": "x"}}}, "spec.add_request_headers"),
        ({"add_request_headers": {"x": {"value": "%NOPE%"}}}, "spec.add_request_headers"),
        ({"remove_request_headers": ["Host"]}, "spec.remove_request_headers"),
        ({"service": "http://host:port"}, "spec.service"),
        ({"hostname": "a.*.b"}, "spec.hostname"),
        ({"tls": "no-such-context"}, "spec.tls"),
        ({"prefix": 7}, "spec.prefix"),
        ({"prefix": None}, "spec.prefix"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_one_wrong_field_stops_that_mapping_only(
    gateway: Gateway, red: HttpUpstream, spec: dict[str, Any], path: str
) -> None:
    name = "mistakes.test"
    content = {"prefix": "/wrong/", "service": red.service, "hostname": name, **spec}
    texts = host(name, name) + an_object("Mapping", "wrong", content) + mapping("right", name, red.service, "/right/")
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/right/")
        key = "getambassador.io/Mapping/default/wrong"
        found = wait_until(lambda: status(gateway, key), what="the status of the Mapping")
        assert found["state"] == "stopped"
        assert any(problem["path"].startswith(path) and problem["stops"] for problem in found["problems"]), found
        assert gateway.request(name, "/wrong/").status_code == 404
        gateway.wait_logged(key, f"{name}.yaml")
    gateway.wait_served(name, "/right/", status=404)


def test_all_problems_of_an_object_are_told_at_once(gateway: Gateway) -> None:
    content = {"prefix": 7, "service": "http://x:y", "timeout_ms": -1, "wieght": 3}
    with gateway.applied("many-mistakes", an_object("Mapping", "many-mistakes", content)):
        key = "getambassador.io/Mapping/default/many-mistakes"
        found = wait_until(lambda: status(gateway, key), what="the status of the Mapping")
        paths = {problem["path"] for problem in found["problems"]}
        assert {"spec.prefix", "spec.service", "spec.timeout_ms", "spec.wieght"} <= paths
        assert any("weight" in problem["message"] for problem in found["problems"])


def test_a_file_that_no_longer_parses_keeps_its_last_good_version(gateway: Gateway, red: HttpUpstream) -> None:
    name = "unparsable.test"
    with gateway.applied(name, host(name, name) + mapping("unparsable", name, red.service)):
        gateway.wait_served(name)
        gateway.apply(name, "kind: [Mapping\n")
        wait_until(lambda: f"{name}.yaml" in gateway.log(), what="the file's problem in the log")
        with gateway.applied("neighbour", host("n", "n.test") + mapping("neighbour", "n.test", red.service)):
            gateway.wait_served("n.test")
            assert gateway.request(name).status_code == 200


def test_a_listener_on_a_port_that_is_taken_is_told_and_harms_no_other(gateway: Gateway, red: HttpUpstream) -> None:
    spec = {"port": red.port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    name = "taken.test"
    with gateway.applied("taken", an_object("Listener", "taken", spec)):
        key = "getambassador.io/Listener/default/taken"
        found = wait_until(
            lambda: (told := status(gateway, key)) and told["state"] == "stopped" and told, what="the refused Listener"
        )
        assert found["problems"][0]["from"] == "envoy"
        assert "bind" in found["problems"][0]["message"]
        assert "bind" in gateway.history(key)[0]["refused"]
        with gateway.applied(name, host(name, name) + mapping("taken", name, red.service)):
            gateway.wait_served(name)
        (port,) = unused_ports(1)
        gateway.apply("taken", an_object("Listener", "taken", {**spec, "port": port}))
        wait_until(lambda: status(gateway, key)["state"] == "ok", what="the Listener healed")


def test_a_listener_is_served_as_soon_as_its_address_is_free(gateway: Gateway, red: HttpUpstream) -> None:
    key = "getambassador.io/Listener/default/patient"
    name = "patient.test"
    routed = host(name, name) + mapping("patient", name, red.service)
    with socket.socket() as holder, gateway.applied(name, routed):
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        spec = {"port": port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
        with gateway.applied("patient", an_object("Listener", "patient", spec)):
            wait_until(lambda: status(gateway, key).get("state") == "stopped", what="the refused Listener")
            (problem,) = status(gateway, key)["problems"]
            assert "Address already in use" in problem["message"]
            assert "keeps serving" not in problem["message"]
            gateway.wait_served(name)
            holder.close()

            def is_served() -> bool:
                try:
                    return plain.get(f"http://127.0.0.1:{port}/", headers={"host": name}).status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(is_served, what="the Listener served")
            wait_until(lambda: status(gateway, key)["state"] == "ok", what="the Listener's status good")


def test_a_secret_that_is_called_ca_stops_nobody(gateway: Gateway, red: HttpUpstream) -> None:
    """Envoy refuses its key, which is too short; whose it is can be read from the name of the resource."""
    secured = an_object("Host", "ca", {"hostname": "ca.test", "tlsSecret": {"name": "ca"}})
    translator = gateway.pid_of("translator")
    with gateway.applied("ca", tls_secret("ca", *with_a_short_key()) + secured):
        objects = ("core/Secret/default/ca", "getambassador.io/Host/default/ca")
        wait_until(
            lambda: "stopped" in {status(gateway, key).get("state") for key in objects}, what="the refused Secret"
        )
        name = "neighbour-of-ca.test"
        with gateway.applied(name, host(name, name) + mapping("neighbour-of-ca", name, red.service)):
            gateway.wait_served(name)
    assert gateway.pid_of("translator") == translator


def with_a_short_key() -> tuple[bytes, bytes]:
    """A certificate and its key, as PEM."""
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca.test")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(days=1))
    signed = builder.not_valid_after(now + dt.timedelta(days=30)).sign(key, hashes.SHA256())
    return (
        signed.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


@pytest.fixture(scope="module")
def believing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway in which there is something left for Envoy to refuse."""
    with Gateway(environ=credulous(tmp_path_factory.mktemp("credulous"))) as gateway:
        yield gateway


def test_a_mapping_that_envoy_refuses_is_held_back_alone(
    believing: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    """In a Host of many teams, with other changes going on."""
    gateway = believing
    name = "refused.test"
    teams = "".join(mapping(f"team-{index}", name, red.service, f"/t{index}/") for index in range(20))
    good = mapping("guilty", name, red.service, "/guilty/", add_request_headers={"x-mark": {"value": "good"}})
    bad = mapping("guilty", name, red.service, "/guilty/", add_request_headers={"x-mark": {"value": UNREADABLE}})
    with gateway.applied(name, host(name, name) + teams), gateway.applied("guilty", good):
        assert gateway.wait_served(name, "/guilty/").json()["headers"]["x-mark"] == "good"
        gateway.apply("guilty", bad)
        innocent = mapping("innocent", name, blue.service, "/innocent/")
        with gateway.applied("innocent", innocent):
            assert gateway.wait_served(name, "/innocent/").json()["upstream"] == "blue"
            key = "getambassador.io/Mapping/default/guilty"
            found = wait_until(
                lambda: (told := status(gateway, key))["state"] == "stopped" and told, what="the culprit"
            )
            assert found["problems"][0]["from"] == "envoy"
            assert gateway.request(name, "/guilty/").json()["headers"]["x-mark"] == "good"  # the last good version
            assert all(gateway.request(name, f"/t{index}/").status_code == 200 for index in range(20))
            assert status(gateway, "getambassador.io/Mapping/default/innocent")["state"] == "ok"
            gateway.apply("guilty", good)
            wait_until(lambda: status(gateway, key)["state"] == "ok", what="the Mapping healed")


def test_what_envoy_refused_is_told_of_that_version_also_when_it_is_mended(
    believing: Gateway, red: HttpUpstream
) -> None:
    gateway, name, key = believing, "mended.test", "getambassador.io/Mapping/default/mended"

    def written(mark: str) -> str:
        return mapping("mended", name, red.service, add_request_headers={"x-mark": {"value": mark}})

    def told() -> list[tuple[str, bool, str | None]]:
        return [(each["what"], each["refused"] is not None, each["state"]) for each in gateway.history(key)]

    with gateway.applied(name, host(name, name)), gateway.applied("mended", written("good")):
        gateway.wait_served(name)
        gateway.apply("mended", written(UNREADABLE))
        refused = [("changed", True, "stopped"), ("made", False, None)]
        wait_until(lambda: told() == refused, what=lambda: f"the refusal in {told()}")
        gateway.apply("mended", written("mended"))
        mended = [("changed", False, "ok"), ("changed", True, None), ("made", False, None)]
        wait_until(lambda: told() == mended, what=lambda: f"it mended in {told()}")


def test_a_new_mapping_that_envoy_refuses_is_found_among_many(believing: Gateway, red: HttpUpstream) -> None:
    """All of them new at once, so that none is known to be good: the culprit is found by trial."""
    gateway = believing
    name = "trial.test"
    many = "".join(mapping(f"trial-{index}", name, red.service, f"/t{index}/") for index in range(40))
    bad = mapping("trial-bad", name, red.service, "/bad/", add_response_headers={"x-mark": {"value": UNREADABLE}})
    with gateway.applied(name, host(name, name) + many + bad):
        gateway.wait_served(name, "/t0/")
        key = "getambassador.io/Mapping/default/trial-bad"
        wait_until(lambda: status(gateway, key).get("state") == "stopped", what="the culprit")
        assert status(gateway, key)["problems"][0]["from"] == "envoy"
        assert all(gateway.request(name, f"/t{index}/").status_code == 200 for index in range(40))
        assert gateway.request(name, "/bad/").status_code == 404
        stopped = [key for key, row in gateway.diag()["objects"].items() if row["state"] == "stopped"]
        assert stopped == [key]


SHAPES: list[tuple[str, dict[str, Any], str]] = [
    ("core/Secret/default/odd", {"apiVersion": "v1", "kind": "Secret", "data": "hidden"}, "data"),
    ("core/Service/default/odd", {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [None]}}, "spec.ports[0]"),
    (
        "discovery.k8s.io/EndpointSlice/default/odd",
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "ports": 5},
        "ports",
    ),
    ("getambassador.io/Host/default/odd", {"kind": "Host", "spec": {"ambassador_id": 5}}, "spec.ambassador_id"),
    ("getambassador.io/Mapping/default/odd", {"kind": "Mapping", "spec": ["a"]}, "spec"),
    (
        "getambassador.io/TCPMapping/default/odd",
        {"kind": "TCPMapping", "metadata": {"name": "odd", "labels": {"a": 5}}, "spec": {"port": 7, "service": "a"}},
        "metadata.labels.a",
    ),
]


@pytest.mark.parametrize(("key", "document", "path"), SHAPES, ids=[key.split("/")[1] for key, _, _ in SHAPES])
def test_an_object_of_a_wrong_shape_is_named_and_stops_itself_alone(
    gateway: Gateway, red: HttpUpstream, key: str, document: dict[str, Any], path: str
) -> None:
    name = "shapes.test"
    odd = {"apiVersion": "getambassador.io/v3alpha1", "metadata": {"name": "odd"}, **document}
    texts = f"{json.dumps(odd)}\n---\n" + host(name, name) + mapping("right", name, red.service, "/right/")
    before = len(gateway.log())
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/right/")
        found = wait_until(lambda: status(gateway, key), what="the status of the object")
        assert found["state"] == "stopped"
        assert path in [problem["path"] for problem in found["problems"]]
        wait_until(lambda: f"field={path}" in gateway.log()[before:], what="the line of the log")
        assert "hidden" not in gateway.log()[before:]
        assert "a bug of ours" not in gateway.log()[before:]
        assert "a rule failed" not in gateway.log()[before:]

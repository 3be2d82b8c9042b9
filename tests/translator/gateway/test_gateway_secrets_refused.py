"""A Secret or ConfigMap that Envoy refuses is told by whoever names it, also while an older version serves."""

import base64
from typing import Any

import orjson
import pytest

from tests.support.certificates import authority, new_authority
from tests.translator.gateway.gateway_world import key_of
from tests.translator.gateway.test_gateway_refusals import GatewayEnvoy
from translator.subjects import Edition

MANY = 25
GUILTY = "c7"
LISTENERS = [
    {
        "name": f"l{number}",
        "port": 8443,
        "protocol": "HTTPS",
        "hostname": f"c{number}.test",
        "tls": {"certificateRefs": [{"name": f"c{number}"}]},
    }
    for number in range(MANY)
]
CA = {"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}
POLICY: dict[str, Any] = {
    "targetRefs": [{"group": "", "kind": "Service", "name": "red"}],
    "validation": {**CA["validation"], "hostname": "red.test"},
}
RULE = {"backendRefs": [{"name": "red", "port": 80}]}
TOLD = "is not used as it is now: Envoy refused the secret default/c7: boom"
BACKEND = {"service": {"name": "red", "port": {"number": 80}}}
INGRESS = "networking.k8s.io/Ingress/default/web"
NGINX = "nginx.ingress.kubernetes.io/"


def spec_of(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "default", **metadata}, "spec": spec}


def secret(name: str) -> dict[str, Any]:
    made = authority().sign(f"{name}.test")
    data = {"tls.crt": made.certificate, "tls.key": made.key, "ca.crt": new_authority(name).pair.certificate}
    encoded = {entry: base64.b64encode(text).decode() for entry, text in data.items()}
    return {"kind": "Secret", "metadata": {"name": name, "namespace": "default"}, "data": encoded}


def config_map() -> dict[str, Any]:
    text = new_authority("ca").pair.certificate.decode()
    return {"kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "default"}, "data": {"ca.crt": text}}


WORLD: dict[str, dict[str, Any]] = {
    key_of("GatewayClass", "ours"): spec_of("GatewayClass", "ours", {"controllerName": "getambassador.io/dragoman"}),
    key_of("Service", "red"): spec_of("Service", "red", {"ports": [{"port": 80}]}),
    key_of("HTTPRoute", "r"): spec_of("HTTPRoute", "r", {"parentRefs": [{"name": "web"}], "rules": [RULE]}),
    "networking.k8s.io/IngressClass//edge": spec_of(
        "IngressClass", "edge", {"controller": "getambassador.io/dragoman"}
    ),
}


class Refusing(GatewayEnvoy):
    """Refuses secrets with a text in them, once told which."""

    def __init__(self) -> None:
        self.refused: set[bytes] = set()
        super().__init__(lambda key, body: "boom" if key.startswith("secret/") and self._is_bad(body) else None)
        self.translation.stream_changed(0.0, connected=True)

    def _is_bad(self, body: bytes) -> bool:
        return any(text in body for text in self.refused)

    def give(self, now: float, objects: dict[str, dict[str, Any]]) -> None:
        changes: dict[str, bytes | None] = {key: orjson.dumps(body) for key, body in objects.items()}
        self.take(self.translation.objects_changed(now, changes, {key: Edition("uid", 1) for key in changes}))
        self.answer(now + 0.1)
        self.time_passed(now + 20)

    def resolved(self, key: str, number: int) -> str:
        return str(
            next(
                each["message"]
                for each in self.said[key]["listeners"][number]["conditions"]
                if each["type"] == "ResolvedRefs"
            )
        )

    def problems(self, key: str) -> str:
        return " ".join(f"{each['path']} {each['message']}" for each in self.statuses[key]["problems"])


def pem_of(body: dict[str, Any]) -> bytes:
    return base64.b64decode(body["data"]["tls.crt"]) if body["kind"] == "Secret" else body["data"]["ca.crt"].encode()


def test_the_one_of_many_that_is_refused_at_once_is_told_by_its_listener_alone() -> None:
    envoy = Refusing()
    secrets = {key_of("Secret", f"c{number}"): secret(f"c{number}") for number in range(MANY)}
    envoy.refused = {pem_of(secrets[key_of("Secret", GUILTY)])}
    gateway = {
        key_of("Gateway", "web"): spec_of("Gateway", "web", {"gatewayClassName": "ours", "listeners": LISTENERS})
    }
    envoy.give(0.0, WORLD | secrets | gateway)
    told = {number for number in range(MANY) if "boom" in envoy.resolved(key_of("Gateway", "web"), number)}
    assert told == {7}
    assert "boom" in envoy.problems(key_of("Gateway", "web"))
    assert "boom" in envoy.problems(key_of("Secret", GUILTY))
    envoy.give(40.0, {key_of("Secret", GUILTY): secret(GUILTY)})
    assert "boom" not in envoy.resolved(key_of("Gateway", "web"), 7)


def test_a_later_version_that_is_refused_is_told_while_the_last_good_one_goes_on() -> None:
    envoy = Refusing()
    names = [key_of("Secret", f"c{number}") for number in range(MANY)]
    gateway = {
        key_of("Gateway", "web"): spec_of("Gateway", "web", {"gatewayClassName": "ours", "listeners": LISTENERS})
    }
    envoy.give(0.0, WORLD | {key: secret(key.rpartition("/")[2]) for key in names} | gateway)
    later = {key: secret(key.rpartition("/")[2]) for key in names}
    envoy.refused = {pem_of(later[key_of("Secret", GUILTY)])}
    envoy.give(40.0, later)
    assert TOLD in envoy.resolved(key_of("Gateway", "web"), 7)
    assert "boom" not in envoy.resolved(key_of("Gateway", "web"), 6)
    conditions = envoy.said[key_of("Gateway", "web")]["listeners"][7]["conditions"]
    assert {each["type"]: each["status"] for each in conditions}["Programmed"] == "True"
    envoy.give(80.0, {key_of("Secret", GUILTY): secret(GUILTY)})
    assert "boom" not in envoy.resolved(key_of("Gateway", "web"), 7)


@pytest.mark.parametrize("is_first", [True, False])
def test_so_are_cas_of_services_and_of_clients(is_first: bool) -> None:
    envoy = Refusing()
    tls = {"frontend": {"default": CA}}
    spec = {"gatewayClassName": "ours", "listeners": LISTENERS[:1], "tls": tls}
    objects = {
        key_of("Secret", "c0"): secret("c0"),
        key_of("Gateway", "web"): spec_of("Gateway", "web", spec),
        key_of("BackendTLSPolicy", "p"): spec_of("BackendTLSPolicy", "p", POLICY),
    }
    first, second = config_map(), config_map()
    envoy.refused = {pem_of(first if is_first else second)}
    envoy.give(0.0, WORLD | objects | {key_of("ConfigMap", "ca"): first})
    if not is_first:
        assert "boom" not in str(envoy.said)
        envoy.give(40.0, {key_of("ConfigMap", "ca"): second})
    assert "boom" in str(envoy.said[key_of("BackendTLSPolicy", "p")])
    assert "boom" in envoy.resolved(key_of("Gateway", "web"), 0)
    envoy.give(80.0, {key_of("ConfigMap", "ca"): config_map()})
    assert "boom" not in str(envoy.said)


@pytest.mark.parametrize(
    ("annotations", "where"),
    [
        ({}, "spec.tls[0].secretName"),
        ({"auth-tls-secret": "default/c0"}, "auth-tls-secret"),
        ({"proxy-ssl-secret": "default/c0", "backend-protocol": "HTTPS"}, "proxy-ssl-secret"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_so_are_those_of_ingresses(annotations: dict[str, str], where: str, is_first: bool) -> None:
    envoy = Refusing()
    rule = {"host": "c1.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}
    used = "c0" if not annotations else "c1"
    spec = {"ingressClassName": "edge", "rules": [rule], "tls": [{"hosts": ["c1.test"], "secretName": used}]}
    said = {NGINX + name: text for name, text in annotations.items()}
    first, second = secret("c0"), secret("c0")
    bad = first if is_first else second
    envoy.refused = {pem_of(bad), base64.b64decode(bad["data"]["ca.crt"])}
    envoy.give(
        0.0,
        WORLD
        | {key_of("Secret", "c0"): first, key_of("Secret", "c1"): secret("c1")}
        | {INGRESS: spec_of("Ingress", "web", spec, annotations=said)},
    )
    if not is_first:
        assert INGRESS not in envoy.statuses or "boom" not in envoy.problems(INGRESS)
        envoy.give(40.0, {key_of("Secret", "c0"): second})
    told = [each for each in envoy.statuses[INGRESS]["problems"] if "boom" in each["message"]]
    assert [where in each["path"] for each in told] == [True], envoy.problems(INGRESS)


def test_what_is_wrong_with_a_secret_towards_services_is_told_in_its_words() -> None:
    envoy = Refusing()
    rule = {"host": "c1.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}
    said = {f"{NGINX}proxy-ssl-secret": "default/c0", f"{NGINX}backend-protocol": "HTTPS"}
    joined = secret("c0")
    joined["data"]["tls.crt"] = base64.b64encode(pem_of(joined).rstrip() + pem_of(joined)).decode()
    ingress = spec_of("Ingress", "web", {"ingressClassName": "edge", "rules": [rule]}, annotations=said)
    envoy.give(0.0, WORLD | {key_of("Secret", "c0"): joined, INGRESS: ingress})
    assert "ends with another END line than its own, or with text behind it" in envoy.problems(INGRESS)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"data": "text"}, "data must be a mapping, not a string"),
        ({"data": {"ca.crt": 5}}, 'data["ca.crt"] must be a string, not an integer'),
        ({"data": ["ca.crt"]}, "data must be a mapping, not a list"),
        ({"metadata": {"labels": 5}, "data": {}}, "metadata.labels must be a mapping, not an integer: 5"),
    ],
)
def test_a_config_map_of_a_wrong_shape_is_told_and_so_is_who_names_it(fields: dict[str, Any], path: str) -> None:
    envoy = Refusing()
    policy = {key_of("BackendTLSPolicy", "p"): spec_of("BackendTLSPolicy", "p", POLICY)}
    envoy.give(0.0, WORLD | policy | {key_of("ConfigMap", "ca"): {"kind": "ConfigMap", **fields}})
    assert path in envoy.problems(key_of("ConfigMap", "ca"))
    assert path.partition(" ")[2] in envoy.problems(key_of("BackendTLSPolicy", "p"))

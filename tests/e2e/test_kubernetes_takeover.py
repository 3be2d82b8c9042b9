"""An Emissary installation's own objects are taken over: stored as v2, in annotations, as people wrote them years ago.

One gateway has Emissary's ambassador_id and serves all of it as it is; another has an id of its own, sees nothing until
the objects name it too, and then answers the same.
"""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from crds.older import definitions_with_older_versions
from tests.support.apiserver import ApiServer
from tests.support.authorization import ALLOWED, HttpAuthorization
from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.upstream import HttpUpstream
from tests.webhook.running_webhook import DEFINITIONS, Webhook, objects

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]

MERGE = "application/merge-patch+json"
V2 = "getambassador.io/v2"
PLURALS = ("authservices", "hosts", "mappings", "modules", "tlscontexts")
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("shop.test", "/shop/cups", {"tls": True}),
    ("shop.test", "/shop/cups", {"tls": True, "headers": {"authorization": ALLOWED}}),
    ("shop.test", "/shop/cups", {"tls": True, "headers": {"authorization": ALLOWED, "x-version": "next"}}),
    ("shop.test", "/shop/cups", {}),
    ("shop.test", "/free/", {"tls": True}),
    ("shop.test", "/old/place", {"tls": True}),
    ("shop.test", "/annotated/x", {"tls": True}),
    ("shop.test", "/nowhere/", {"tls": True, "headers": {"authorization": ALLOWED}}),
    ("plain.test", "/free/", {}),
    ("plain.test", "/annotated/x", {}),
    ("other.test", "/free/", {}),
]
"""Host, path, and how."""


def store_as_v2(api: ApiServer, url: str) -> None:
    """CRDs as Emissary has them: v2 is stored, and a webhook converts."""
    for definition in definitions_with_older_versions():
        versions = definition["spec"]["versions"]
        if any(version["name"] == "v2" for version in versions):
            for version in versions:
                version["storage"] = version["name"] == "v2"
            definition["spec"]["conversion"]["webhook"]["clientConfig"] = {"url": url}
        api.apply(orjson.dumps(definition).decode())
    wait_until(lambda: api.request("GET", objects("listeners", "v3alpha1", "default"))[0] == 200, 30, what="the kinds")


def installation(namespace: str, ports: tuple[int, int], red: str, blue: str, auth: str) -> list[dict[str, Any]]:
    """What stands in the cluster."""

    def made(kind: str, name: str, spec: dict[str, Any], api: str = V2) -> dict[str, Any]:
        return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}

    def listener(name: str, port: int, protocol: str) -> dict[str, Any]:
        spec = {
            "port": port,
            "protocol": protocol,
            "securityModel": "XFP",
            "hostBinding": {"namespace": {"from": "ALL"}},
        }
        ours = {**spec, "ambassador_id": ["default", "dragoman"]}
        return made("Listener", name, ours, "getambassador.io/v3alpha1")

    pair = authority().sign("shop.test")
    data = {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": base64.b64encode(pair.key).decode()}
    secret = made("Secret", "shop", {}, "v1") | {"type": "kubernetes.io/tls", "data": data}
    del secret["spec"]
    annotation = (
        f"---\napiVersion: ambassador/v1\nkind: Mapping\nname: annotated\nprefix: /annotated/\nservice: {blue}\n"
    )
    annotation += 'bypass_auth: true\nambassador_id: ["default", "dragoman"]\n'
    carrier = made("Service", "carrier", {"ports": [{"port": 80}]}, "v1")
    carrier["metadata"]["annotations"] = {"getambassador.io/config": annotation}
    config = {
        "server_name": "our-edge",
        "defaults": {"add_response_headers": {"x-from": {"value": "module", "append": False}}},
    }
    policy = {"requestPolicy": {"insecure": {"action": "Route"}}}
    return [
        secret,
        carrier,
        listener("http", ports[0], "HTTP"),
        listener("https", ports[1], "HTTPS"),
        made("Module", "ambassador", {"config": config}),
        made("TLSContext", "shop", {"hosts": ["shop.test"], "secret": "shop", "min_tls_version": "v1.2"}),
        made("Host", "shop", {"hostname": "shop.test", "tlsSecret": {"name": "shop"}, "tlsContext": {"name": "shop"}}),
        made("Host", "plain", {"hostname": "plain.test", **policy}),
        made("AuthService", "auth", {"auth_service": auth, "allowed_authorization_headers": ["x-user"]}),
        made("Mapping", "shop", {"host": "shop.test", "prefix": "/shop/", "service": red}),
        made(
            "Mapping",
            "shop-next",
            {
                "host": "shop.test",
                "prefix": "/shop/",
                "service": blue,
                "headers": {"x-version": "next"},
                "rewrite": "/n/",
            },
        ),
        made(
            "Mapping",
            "free",
            {
                "prefix": "/free/",
                "service": red,
                "bypass_auth": True,
                "add_request_headers": {"x-added": "yes"},
                "remove_response_headers": "x-gone",
            },
        ),
        made("Mapping", "old", {"host": "shop.test", "prefix": "/old/", "service": "new.test", "host_redirect": True}),
    ]


def create(api: ApiServer, namespace: str, document: dict[str, Any]) -> None:
    group = document["apiVersion"]
    root = f"/api/{group}" if group == "v1" else f"/apis/{group}"
    path = f"{root}/namespaces/{namespace}/{document['kind'].lower()}s"
    wait_until(lambda: api.request("POST", path, document)[0] in (201, 409), what=f"{document['kind']} created")


@pytest.fixture(scope="module")
def auth() -> Iterator[HttpAuthorization]:
    with HttpAuthorization("auth") as service:
        yield service


def gateway_of(api: ApiServer, namespace: str, ports: tuple[int, int] | None = None, **environ: str) -> Gateway:
    given = {"DRAGOMAN_CONFIG_DIR": "", "KUBECONFIG": str(api.kubeconfig), "AMBASSADOR_NAMESPACE": namespace}
    made = Gateway(listeners=False, environ={**given, "DRAGOMAN_NAMESPACES": namespace, **environ})
    if ports:
        made.http_port, made.https_port = ports
    return made


def answers_of(gateway: Gateway) -> list[dict[str, Any]] | None:
    """The answers; None while the Host with TLS has not come, and its port speaks none."""
    try:
        return [answer(gateway, *asked) for asked in ASKED]
    except httpx.ConnectError:
        return None


def answer(gateway: Gateway, name: str, path: str, how: dict[str, Any]) -> dict[str, Any]:
    """What a client and the service see, but for what is different each time."""
    context = trusting(authority()) if how.get("tls") else None
    response = gateway.request(name, path, context=context, **how)
    headers = {key: value for key, value in response.headers.items() if key in {"location", "server", "x-from"}}
    return {"status": response.status_code, **headers, **seen_of(response)}


def seen_of(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != 200:
        return {}
    seen = response.json()
    names = ("x-added", "x-user", "x-forwarded-proto")
    return {name: seen[name] for name in ("upstream", "path", "host")} | {
        name: seen["headers"].get(name) for name in names
    }


def test_it_serves_the_same_with_emissarys_id_and_with_one_of_its_own(
    own_apiserver: ApiServer, red: HttpUpstream, blue: HttpUpstream, auth: HttpAuthorization
) -> None:
    api = own_apiserver
    namespace = api.namespace()
    with Webhook(api) as webhook:
        store_as_v2(api, webhook.url)
        webhook.wait_trusted()
        first = gateway_of(api, namespace)
        ports = (first.http_port, first.https_port)
        for document in installation(namespace, ports, red.service, blue.service, auth.service):
            create(api, namespace, document)
        assert api.get(f"{DEFINITIONS}/mappings.getambassador.io")["status"]["storedVersions"] == ["v2"]

        with first as gateway:
            gateway.wait_served("plain.test", "/free/")
            gateway.wait_served("shop.test", "/free/", tls=True, context=trusting(authority()))
            answers = [answer(gateway, *asked) for asked in ASKED]
            assert answers == expected(ports)
            objects_told = gateway.diag()["objects"]
            stopped = {key: row for key, row in objects_told.items() if row["state"] == "stopped"}
            assert stopped == {}

        with gateway_of(api, namespace, ports, AMBASSADOR_ID="dragoman") as gateway:
            assert {key for key in gateway.diag()["ambassador_elements"] if "/Mapping/" in key} == {
                f"getambassador.io/Mapping/{namespace}/annotated"
            }
            for plural in PLURALS:
                for item in api.get(objects(plural, "v2", namespace))["items"]:
                    both = {"spec": {"ambassador_id": ["default", "dragoman"]}}
                    api.ask(
                        "PATCH", objects(plural, "v2", namespace, item["metadata"]["name"]), both, content_type=MERGE
                    )
            gateway.wait_served("plain.test", "/free/")
            wait_until(
                lambda: answers_of(gateway) == answers,
                what=lambda: f"the same answers; the log ends:\n{gateway.log()[-3000:]}",
            )


def expected(ports: tuple[int, int]) -> list[dict[str, Any]]:
    """The answers, as Emissary gives them, but for the redirect of what is not there."""

    def served(upstream: str, path: str, host: str, proto: str, **more: str) -> dict[str, Any]:
        said = {"server": "our-edge", "x-from": "module", "x-added": None, "x-user": None}
        seen = {"upstream": upstream, "path": path, "host": host, "x-forwarded-proto": proto}
        return {"status": 200, **said, **seen, **more}

    return [
        {"status": 401, "server": "our-edge", "x-from": "module"},
        served("red", "/cups", "shop.test", "https", **{"x-user": "ann"}),
        served("blue", "/n/cups", "shop.test", "https", **{"x-user": "ann"}),
        {"status": 301, "location": "https://shop.test/shop/cups", "server": "our-edge"},
        served("red", "/", "shop.test", "https", **{"x-added": "yes"}),
        {"status": 301, "location": "https://new.test/old/place", "server": "our-edge", "x-from": "module"},
        served("blue", "/x", "shop.test", "https"),
        {"status": 404, "server": "our-edge"},
        served("red", "/", "plain.test", "http", **{"x-added": "yes"}),
        served("blue", "/x", "plain.test", "http"),
        {"status": 404, "server": "our-edge"},
    ]

"""What is made for a Gateway beside its Service, on a real API server: a name in its namespace, and pods of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from kubeapi.connection import Answer, Connection
from process.settings import Settings
from reporter import provisioning
from reporter.asking import Asking, FailedError
from reporter.naming import Naming, name_of
from reporter.pods import document_of
from reporter.provisioning import Provisioning
from reporter.services import Service, Wish
from snapshot import Record, Snapshot
from tests.deploy.reading import DEPLOY, documents, of_kind
from tests.reporter.words import service_said
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.gateway_crds import install

UID = "5d7e3a4c-1b1c-4c51-8b0a-6f1f0d8f7c11"
OWN: dict[str, Any] = of_kind(documents(DEPLOY / "workload.yaml"), "Deployment")["spec"]["template"]


def wish(**more: Any) -> Wish:
    values = {"name": "gateway-a", "gateway_class": "own", "labels": {"team": "a"}, "annotations": {"note": "b"}}
    given = {"selector": {"x": "y"}, "address": "", "targets": {("TCP", 80): 80}, "uid": UID, "is_provisioned": True}
    return Wish(**{**values, **given, **more})  # type: ignore[arg-type]


def test_the_pods_are_our_own_but_for_whom_they_serve_and_who_finds_them() -> None:
    own = {
        "metadata": {
            "labels": {"app.kubernetes.io/name": "dragoman", "pod-template-hash": "x"},
            "annotations": {"prometheus.io/port": "8877", "kubectl.kubernetes.io/restartedAt": "now"},
        },
        "spec": {
            **OWN["spec"],
            "hostNetwork": True,
            "containers": [{**OWN["spec"]["containers"][0], "ports": [{"containerPort": 8877, "hostPort": 8877}]}],
        },
    }
    made = document_of(wish(), "shop/web", "service-uid", own, "dragoman", "default")
    template = made["spec"]["template"]
    selector = {"getambassador.io/gateway-pods": "gateway-a"}
    assert template["metadata"] == {"labels": selector, "annotations": {"prometheus.io/port": "8877"}}
    assert made["spec"]["selector"]["matchLabels"] == selector
    assert "replicas" not in made["spec"]
    assert made["metadata"]["ownerReferences"][0] | {"uid": "service-uid"} == made["metadata"]["ownerReferences"][0]
    assert made["metadata"]["labels"] == {"team": "a"}
    assert made["metadata"]["annotations"]["note"] == "b"
    spec = template["spec"]
    assert spec["serviceAccountName"] == "dragoman"
    assert "hostNetwork" not in spec
    assert [each["labelSelector"] for each in spec["topologySpreadConstraints"]] == [{"matchLabels": selector}] * 2
    (container,) = spec["containers"]
    assert container["ports"] == [{"containerPort": 8877}]
    assert container["env"][-1] == {"name": "DRAGOMAN_GATEWAY", "value": "shop/web"}
    assert container["env"][:-1] == OWN["spec"]["containers"][0]["env"]
    assert spec["securityContext"]["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    assert "sysctls" not in OWN["spec"]["securityContext"]  # what was read is left as it was


def test_what_kubernetes_bears_twice_is_said_once_and_the_last_word_counts() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "A", "value": "3"}]
    ports = [
        {"containerPort": 8080, "protocol": "TCP", "hostPort": 80, "hostIP": each} for each in ("::1", "127.0.0.1")
    ]
    own = {"spec": {"containers": [{"name": "a", "env": env, "ports": ports}]}}
    made = document_of(wish(), "shop/web", "service-uid", own, "dragoman", "default")
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert [(each["name"], each["value"]) for each in container["env"]] == [
        *(("B", "2"), ("A", "3"), ("DRAGOMAN_GATEWAY", "shop/web"))
    ]
    assert container["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]


def test_our_pods_and_those_of_a_gateway_do_not_keep_each_other_off_a_node() -> None:
    ours = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["dragoman"]}]}
    others = {"matchLabels": {"app": "database"}}
    terms = [{"topologyKey": "kubernetes.io/hostname", "labelSelector": each} for each in (ours, others)]
    anti = {
        "requiredDuringSchedulingIgnoredDuringExecution": terms,
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": terms[0]}],
    }
    own = {
        "metadata": {"labels": {"app": "dragoman"}},
        "spec": {"containers": [], "affinity": {"podAntiAffinity": anti}},
    }
    made = document_of(wish(), "shop/web", "service-uid", own, "dragoman", "default")
    found = made["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
    own_pods = {"matchLabels": {"getambassador.io/gateway-pods": "gateway-a"}}
    required, (preferred,) = found.values()
    assert [each["labelSelector"] for each in required] == [own_pods, others]
    assert preferred["podAffinityTerm"]["labelSelector"] == own_pods


class Refusing:
    """An API server that lets nobody look at Services, and what it was asked besides."""

    def __init__(self) -> None:
        self.more: list[str] = []

    async def request(self, method: str, path: str, **_: Any) -> Answer:
        if method != "GET":
            self.more.append(path)
        return Answer(403, b'{"message": "services is forbidden"}')


async def test_without_the_right_a_gateway_has_no_name_and_nothing_else_fails() -> None:
    server = Refusing()
    naming = Naming(Asking(cast("Connection", server)), "dragoman", "default")
    await naming.give(wish(), "shop/web")
    await naming.take(Service("gateway-a", "shop/web", "own", {}))
    assert not server.more


class Holding:
    """An API server with objects by their paths."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}

    async def request(self, method: str, path: str, **more: Any) -> Answer:
        if method == "PATCH":
            self.objects[path] = orjson.loads(more["body"])
        found = self.objects.pop(path, None) if method == "DELETE" else self.objects.get(path)
        return Answer(404, b"{}") if found is None else Answer(200, orjson.dumps(found))


async def test_of_two_gateways_whose_names_are_the_same_the_first_keeps_it() -> None:
    server = Holding()
    naming = Naming(Asking(cast("Connection", server)), "dragoman", "default")
    first, second = wish(gateway_class="b-c"), wish(name="gateway-b", gateway_class="c")
    path = "/api/v1/namespaces/shop/services/a-b-c"
    await naming.give(first, "shop/a")
    server.objects[path]["metadata"]["uid"] = UID
    await naming.give(second, "shop/a-b")
    assert server.objects[path]["spec"]["externalName"] == "gateway-a.dragoman.svc.cluster.local"
    await naming.take(Service("gateway-b", "shop/a-b", "c", {}))
    assert path in server.objects
    await naming.take(Service("gateway-a", "shop/a", "b-c", {}))
    assert not server.objects


@pytest.mark.parametrize(
    ("gateway", "gateway_class", "name"),
    [("shop/web", "own", "web-own"), ("shop/a.b", "own", "gateway-a"), ("shop/web", "x" * 63, "gateway-a")],
)
def test_a_name_is_one_that_a_service_can_have(gateway: str, gateway_class: str, name: str) -> None:
    assert name_of(gateway, gateway_class, "gateway-a") == name


@pytest.fixture(scope="module")
def api(kubernetes_programs: None, gateway_api_release: Path) -> Iterator[ApiServer]:
    """With Dragoman installed, and controllers: they make its pods, and collect what is nobody's any more."""
    with ApiServer(controllers=True) as made:
        install(made, "standard", "Gateway", "GatewayClass")
        for name in ("namespace.yaml", "rbac.yaml", "workload.yaml", "gateway-api/rbac.yaml"):
            made.apply(DEPLOY / name)
        for name in ("dedicated-addresses", "provisioned"):
            made.apply(DEPLOY / "gateway-api" / name)
        pods = "/api/v1/namespaces/dragoman/pods"
        wait_until(lambda: made.get(pods)["items"], 90, what="a pod of ours")
        yield made


class Term:
    """A term of ours, with no more rights than ours are; the Gateway is in another namespace."""

    def __init__(self, api: ApiServer, folder: Path) -> None:
        self.api = api
        self.ours, self.theirs = "dragoman", api.namespace()
        self.folder = folder
        self.uid = self._gateway()
        self._count = 0
        self.kubeconfig = api.account_kubeconfig("dragoman", namespace="dragoman")
        self.pod = api.get("/api/v1/namespaces/dragoman/pods")["items"][0]["metadata"]["name"]

    def _path(self, group: str, namespace: str, plural: str) -> str:
        return f"/{f'apis/{group}' if group else 'api'}/v1/namespaces/{namespace}/{plural}"

    def _gateway(self) -> str:
        listener = {"name": "http", "port": 80, "protocol": "HTTP"}
        spec = {"gatewayClassName": "own", "listeners": [listener]}
        path = self._path("gateway.networking.k8s.io", self.theirs, "gateways")
        about = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}
        made = self.api.ask("POST", path, {**about, "metadata": {"name": "web"}, "spec": spec})
        return str(made["metadata"]["uid"])

    def delete_gateway(self) -> None:
        self.api.ask("DELETE", self._path("gateway.networking.k8s.io", self.theirs, "gateways/web"))

    def names(self, group: str, namespace: str, plural: str) -> list[str]:
        found = self.api.get(self._path(group, namespace, plural))["items"]
        names = [each["metadata"]["name"] for each in found]
        return [name for name in names if not name.startswith("dragoman")]

    def there(self) -> list[list[str]]:
        """The Services and Deployments in our namespace, and the Services in that of the Gateway."""
        ours = [self.names("", self.ours, "services"), self.names("apps", self.ours, "deployments")]
        return [*ours, self.names("", self.theirs, "services")]

    def find(self, group: str, plural: str, name: str, *, theirs: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(
            self._path(group, self.theirs if theirs else self.ours, f"{plural}/{name}")
        )
        return found

    def put_service(self, name: str) -> None:
        """Somebody's own Service in the namespace of the Gateway."""
        spec = {"ports": [{"port": 80}]}
        self.api.ask("POST", self._path("", self.theirs, "services"), {"metadata": {"name": name}, "spec": spec})

    @asynccontextmanager
    async def lead(self) -> AsyncIterator[Callable[[dict[str, Any] | None], None]]:
        """Who leads, as a function to which the translator says things of the Gateway; None: nothing."""
        settings = Settings(kubeconfig=str(self.kubeconfig), namespace=self.ours, pod_name=self.pod)
        self._count += 1
        with Snapshot.open(self.folder / str(self._count), map_size=1 << 24) as snapshot:
            writer = snapshot.writer("statuses")
            async with Connection.open(settings) as connection:
                term = Provisioning(snapshot, settings, connection, lambda: True)
                running = asyncio.create_task(term.run())

                def say(said: dict[str, Any] | None) -> None:
                    key = f"{provisioning.PREFIX}{self.theirs}/web"
                    body = orjson.dumps({"uid": self.uid, "gateway": said})
                    version = blake2b(body, digest_size=8).hexdigest()
                    ours = {f"{provisioning.GATEWAY_API}/GatewayClass//own": Record("1", b"{}", {})}
                    writer.commit({**ours, key: None if said is None else Record(version, body, {})})
                    term.follow()

                try:
                    yield say
                finally:
                    running.cancel()
                    await asyncio.wait([running])

    async def becomes(self, *wanted: list[str]) -> None:
        """Wait until this is there."""
        async with asyncio.timeout(30):
            while (found := await asyncio.to_thread(self.there)) != [*wanted]:  # noqa: ASYNC110 -- it rings no bell
                await asyncio.sleep(0.05)
        assert found == [*wanted]


@pytest.fixture
def term(api: ApiServer, tmp_path: Path) -> Term:
    return Term(api, tmp_path)


def said(**more: Any) -> dict[str, Any]:
    """What the translator says of the Gateway."""
    service: dict[str, Any] = {
        "class": "own",
        "labels": {"team": "a", "getambassador.io/serves": "gateway"},
        "annotations": {
            "note": "b",
            "external-dns.alpha.kubernetes.io/hostname": "web.test",
            "external-dns.kubernetes.io/hostname": "web.test",
        },
        "selector": {"getambassador.io/gateway-pods": "gateway-a"},
        "ports": [{"protocol": "TCP", "port": 80, "target": 80}],
        "provisioned": True,
    }
    return {"service": service_said("gateway-a", **(service | more))}


@pytest.mark.kubernetes
async def test_a_gateway_gets_its_pods_and_a_name_and_all_of_it_goes_with_it(term: Term) -> None:
    async with term.lead() as say:
        say(said())
        await term.becomes(["gateway-a"], ["gateway-a"], ["web-own"])
        service, pods = term.find("", "services", "gateway-a"), term.find("apps", "deployments", "gateway-a")
        assert service["spec"]["ports"][0]["targetPort"] == 80
        assert service["spec"]["selector"] == pods["spec"]["template"]["metadata"]["labels"]
        assert pods["metadata"]["ownerReferences"][0]["uid"] == service["metadata"]["uid"]
        assert pods["spec"]["replicas"] == 1
        wait_until(lambda: term.names("", term.ours, "pods"), 90, what="its pod, which Pod Security lets in")
        (container,) = pods["spec"]["template"]["spec"]["containers"]
        assert {"name": "DRAGOMAN_GATEWAY", "value": f"{term.theirs}/web"} in container["env"]
        name = term.find("", "services", "web-own", theirs=True)
        assert name["spec"]["externalName"] == f"gateway-a.{term.ours}.svc.cluster.local"
        assert name["metadata"]["labels"]["team"] == "a"
        assert name["metadata"]["annotations"].keys() == {"note", "getambassador.io/ambassador-id"}
    async with term.lead() as say:  # who comes after knows of it
        term.delete_gateway()
        say(None)
        await term.becomes([], [], [])


@pytest.mark.kubernetes
async def test_what_a_gateway_is_to_have_no_more_goes_and_it_stays(term: Term) -> None:
    async with term.lead() as say:
        say(said())
        await term.becomes(["gateway-a"], ["gateway-a"], ["web-own"])
        say(said(provisioned=False, **{"class": "other"}))
        await term.becomes(["gateway-a"], [], ["web-other"])
        say({"conditions": [], "listeners": []})
        await term.becomes([], [], [])


@pytest.mark.kubernetes
async def test_a_service_of_somebody_with_the_name_is_left_to_them(term: Term) -> None:
    term.put_service("web-own")
    async with term.lead() as say:
        say(said(provisioned=False))
        await term.becomes(["gateway-a"], [], ["web-own"])
        say({"conditions": [], "listeners": []})
        await term.becomes([], [], ["web-own"])
    assert term.find("", "services", "web-own", theirs=True)["spec"]["type"] == "ClusterIP"


@pytest.mark.kubernetes
async def test_nobody_elses_service_can_be_written(term: Term) -> None:
    term.put_service("theirs")
    settings = Settings(kubeconfig=str(term.kubeconfig))
    folder = f"/api/v1/namespaces/{term.theirs}/services"
    name = {"labels": {"getambassador.io/serves": "gateway-name"}}
    spec = {"type": "ExternalName", "externalName": "a.test"}
    async with Connection.open(settings) as connection:
        asking = Asking(connection)

        async def refused(path: str, **document: Any) -> str:
            metadata = {"name": path, **document.pop("metadata")}
            about = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
            with pytest.raises(FailedError) as told:
                await asking.apply(f"{folder}/{path}", {**about, **document})
            return str(told.value)

        assert "may change no Service" in await refused("theirs", metadata=name)
        assert "may make no Service" in await refused("new", metadata={}, spec=spec)
        assert "of type ExternalName" in await refused("new", metadata=name, spec={"ports": [{"port": 80}]})
        with pytest.raises(FailedError, match="may change no Service"):
            await asking.delete(f"{folder}/theirs")
    assert term.names("", term.theirs, "services") == ["theirs"]

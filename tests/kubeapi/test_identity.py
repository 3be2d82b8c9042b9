"""Who we are for the API server: a pod's account, a kubeconfig's token, certificates, plugins, proxies; and renewal."""

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_standin import kubeconfig, standin

from kubeapi import connection
from kubeapi.connection import Connection, UnreachableError
from process.settings import Settings
from tests.support.certificates import Pair, authority


async def who(request: web.Request) -> web.Response:
    return web.Response(text=request.headers.get("Authorization", "nobody"))


def serving(folder: Path, pair: Pair, clients: bytes | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    (folder / "server.pem").write_bytes(pair.certificate + pair.key)
    context.load_cert_chain(folder / "server.pem")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.decode())
    return context


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def asked(config: str) -> str:
    async with Connection.open(Settings(kubeconfig=config)) as api:
        return (await api.request("GET", "/")).body.decode()


@pytest.mark.parametrize(
    ("user", "identity"),
    [
        ({}, "nobody"),
        ({"token": "t1"}, "Bearer t1"),
        ({"username": "u", "password": "p"}, f"Basic {text(b'u:p')}"),
    ],
)
async def test_a_kubeconfig_says_who_we_are(tmp_path: Path, user: dict[str, Any], identity: str) -> None:
    async with standin(who) as server:
        assert await asked(kubeconfig(tmp_path, server.url, user)) == identity


async def test_a_token_file_beside_the_kubeconfig_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t2\n")
    async with standin(who) as server:
        assert await asked(kubeconfig(tmp_path, server.url, {"tokenFile": "token"})) == "Bearer t2"


async def test_a_client_certificate_is_shown_and_the_server_is_verified(tmp_path: Path) -> None:
    ours, theirs = authority("Ours"), authority("Theirs")
    pair = ours.sign("dragoman")
    tls = serving(tmp_path, theirs.sign("apiserver"), clients=ours.pair.certificate)
    user = {"client-certificate-data": text(pair.certificate), "client-key-data": text(pair.key)}
    trust = {"certificate-authority-data": text(theirs.pair.certificate), "tls-server-name": "apiserver"}
    async with standin(who, tls) as server:
        assert await asked(kubeconfig(tmp_path, server.url, user, **trust)) == "nobody"
        with pytest.raises(UnreachableError):
            await asked(kubeconfig(tmp_path, server.url, {}, **trust))
        with pytest.raises(UnreachableError, match=r"(?i)certificate"):
            await asked(kubeconfig(tmp_path, server.url, user, **trust | {"tls-server-name": "another"}))


def plugin(folder: Path, status: dict[str, str], log: str = "calls") -> dict[str, Any]:
    """An exec plugin of a kubeconfig, which notes each of its calls."""
    api = "client.authentication.k8s.io/v1"
    said = json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": status})
    (folder / "said.json").write_text(said)
    script = f"echo x >> {folder / log}; cat {folder / 'said.json'}"
    return {"exec": {"apiVersion": api, "command": "sh", "args": ["-c", script], "interactiveMode": "Never"}}


async def test_a_plugins_token_is_used(tmp_path: Path) -> None:
    async with standin(who) as server:
        assert await asked(kubeconfig(tmp_path, server.url, plugin(tmp_path, {"token": "t3"}))) == "Bearer t3"


async def test_a_plugins_certificate_is_used(tmp_path: Path) -> None:
    ca = authority("Plugin CA")
    pair = ca.sign("dragoman")
    status = {"clientCertificateData": pair.certificate.decode(), "clientKeyData": pair.key.decode()}
    trust = {"certificate-authority-data": text(ca.pair.certificate), "tls-server-name": "apiserver"}
    async with standin(who, serving(tmp_path, ca.sign("apiserver"), ca.pair.certificate)) as server:
        assert await asked(kubeconfig(tmp_path, server.url, plugin(tmp_path, status), **trust)) == "nobody"


async def test_a_plugin_is_asked_again_when_its_credential_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0)
    past = {"token": "old", "expirationTimestamp": "2001-01-01T00:00:00Z"}
    async with standin(who) as server:
        config = kubeconfig(tmp_path, server.url, plugin(tmp_path, past))
        async with Connection.open(Settings(kubeconfig=config)) as api:
            plugin(tmp_path, {"token": "new", "expirationTimestamp": "2101-01-01T00:00:00Z"})
            for _ in range(3):
                assert (await api.request("GET", "/")).body == b"Bearer new"
    assert (tmp_path / "calls").read_text().count("x") == 2


async def test_a_proxy_is_used(tmp_path: Path) -> None:
    async with standin(who) as proxy:
        config = kubeconfig(tmp_path, "http://apiserver.invalid", {"token": "t"}, **{"proxy-url": proxy.url})
        assert await asked(config) == "Bearer t"
        assert proxy.asked[0].url.host == "apiserver.invalid"


async def test_a_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with standin(who) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//someone:secret@"))
        config = kubeconfig(tmp_path, "http://apiserver.invalid", {"token": "t"})
        assert await asked(config) == "Bearer t"
        assert proxy.asked[0].url.host == "apiserver.invalid"
        assert proxy.asked[0].headers["Proxy-Authorization"] == f"Basic {text(b'someone:secret')}"


async def test_what_the_environment_exempts_is_asked_without_its_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with standin(who) as server:
        assert await asked(kubeconfig(tmp_path, server.url, {"token": "t"})) == "Bearer t"


class Pod:
    """A pod's service account, as the kubelet mounts it, and a server that lets one token in."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.account = folder / "account"
        self.account.mkdir()
        self.ca = authority("Cluster CA")
        self.tls = serving(folder, self.ca.sign("localhost"))
        self.valid = "one"
        self.refused = 0
        self._environment = monkeypatch
        (self.account / "ca.crt").write_bytes(self.ca.pair.certificate)
        self.give("one")

    def give(self, token: str) -> None:
        """The kubelet renews the token."""
        (self.account / "token").write_text(f"{token}\n")

    def at(self, url: str) -> Settings:
        self._environment.setenv("KUBERNETES_SERVICE_HOST", "localhost")
        self._environment.setenv("KUBERNETES_SERVICE_PORT", url.rpartition(":")[2])
        return Settings()

    async def guard(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization", "").lower() == f"bearer {self.valid}":
            return web.Response(text="welcome")
        self.refused += 1
        return web.Response(status=401)


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return Pod(tmp_path, monkeypatch)


async def test_in_a_pod_its_account_says_who_we_are(pod: Pod) -> None:
    async with standin(pod.guard, pod.tls) as server, Connection.open(pod.at(server.url), pod.account) as api:
        assert (await api.request("GET", "/")).status == 200


async def test_a_renewed_token_is_used_before_its_time_when_the_old_one_is_refused(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0)
    async with standin(pod.guard, pod.tls) as server, Connection.open(pod.at(server.url), pod.account) as api:
        assert (await api.request("GET", "/")).status == 200
        pod.valid = "two"
        pod.give("two")
        async with api.stream("/") as stream:
            assert stream.answer.status == 200
        assert (await api.request("GET", "/")).status == 200
    assert pod.refused == 1


async def test_who_is_refused_for_good_is_not_heard_twice_each_time(pod: Pod) -> None:
    pod.valid = "another"
    async with standin(pod.guard, pod.tls) as server, Connection.open(pod.at(server.url), pod.account) as api:
        for _ in range(5):
            assert (await api.request("GET", "/")).status == 401
    assert pod.refused == 5


async def test_a_token_that_cannot_be_read_again_is_no_reason_to_forget_it(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0)
    async with standin(pod.guard, pod.tls) as server, Connection.open(pod.at(server.url), pod.account) as api:
        (pod.account / "token").unlink()
        pod.valid = "another"
        assert (await api.request("GET", "/")).status == 401
        pod.valid = "one"
        assert (await api.request("GET", "/")).status == 200


async def test_new_certificates_of_the_cluster_are_trusted(
    pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0)
    renewed = authority("Renewed CA")
    tls = serving(tmp_path, renewed.sign("localhost"))
    async with standin(pod.guard, tls) as server, Connection.open(pod.at(server.url), pod.account) as api:
        with pytest.raises(UnreachableError):
            await api.request("GET", "/")
        (pod.account / "ca.crt").write_bytes(renewed.pair.certificate)
        assert (await api.request("GET", "/")).status == 200


async def test_a_stream_outlives_the_renewal_of_the_identity(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0)
    more = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path != "/stream":
            return await pod.guard(request)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"1\n")
        await more.wait()
        await response.write(b"2\n")
        return response

    async with (
        standin(handler, pod.tls) as server,
        Connection.open(pod.at(server.url), pod.account) as api,
        api.stream("/stream") as stream,
    ):
        pod.valid = "two"
        pod.give("two")
        assert (await api.request("GET", "/")).status == 200
        more.set()
        assert [lines async for lines in stream.batches()] == [[b"1"], [b"2"]]


def test_the_synchronous_client_is_not_loaded() -> None:
    """It would cost each process that speaks with Kubernetes 10 MB and 0.14 s; pydantic, for the other one, 5 MB."""
    told = "import sys, kubeapi.connection; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    loaded = done.stdout.split()
    assert "kubernetes.aio.client.rest" in loaded
    assert not {"kubernetes", "kubernetes.client", "kubernetes.aio", "kubernetes.aio.dynamic"} & set(loaded)
    assert not {"kubernetes.aio.client.api_client", "kubernetes.aio.client.models", "pydantic"} & set(loaded)


def test_others_can_still_import_the_whole_client() -> None:
    told = (
        "import kubeapi.connection, kubernetes.aio, kubernetes.client; kubernetes.client.V1Pod; "
        "from kubernetes.aio.client import ApiClient; ApiClient.call_api"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", told], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

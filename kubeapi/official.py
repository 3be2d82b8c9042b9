"""The one file that knows the official client: what it makes of a kubeconfig or of a pod's service account.

Only its configuration and its HTTP session are wanted. Importing any part of `kubernetes` imports all of it, the
synchronous client and its libraries included: 0.24 s and 22 MB a process. Bare packages in place of `kubernetes` and
`kubernetes.aio`, which know where their modules lie and nothing else, leave 0.10 s and 12 MB. Without the client for
typed requests, which the reader of kubeconfigs mentions and which brings pydantic, 6 MB are left.
"""

import os
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yaml import YAMLError

from process.settings import SERVICE_ACCOUNT


@contextmanager
def _without(package: ModuleType, name: str) -> Iterator[None]:
    """What a package would load when it is asked for this name is not loaded by the modules that are imported here."""
    setattr(package, name, None)
    try:
        yield
    finally:
        delattr(package, name)


@contextmanager
def _bare(*packages: str) -> Iterator[None]:
    """Packages whose `__init__` is not run; they are forgotten afterwards, so that others can still import them."""
    added = []
    for package in packages:
        if package not in sys.modules:
            parent = sys.modules.get(package.rpartition(".")[0])
            spec = PathFinder.find_spec(package, parent.__path__ if parent else None)
            if spec is None:
                break
            spec.loader = None
            sys.modules[package] = module_from_spec(spec)
            added.append(package)
    try:
        yield
    finally:
        for package in added:
            del sys.modules[package]


with _bare("kubernetes", "kubernetes.aio"):
    from kubernetes.aio import client

    with _without(client, "ApiClient"):
        from kubernetes.aio.client.configuration import Configuration
        from kubernetes.aio.client.rest import RESTClientObject
        from kubernetes.aio.config.config_exception import ConfigException
        from kubernetes.aio.config.incluster_config import InClusterConfigLoader
        from kubernetes.aio.config.kube_config import load_kube_config

VANISHED: Final = 30
"""Seconds after which a connection counts as broken whose other end acknowledges nothing, not even that it is there."""

USUAL_KUBECONFIG = "~/.kube/config"


class ConfigurationError(Exception):
    """How to reach the API server is not said, or said wrongly; the message tells what to do."""


class _Rest(RESTClientObject):  # type: ignore[misc]
    """The official client's connections: with the trust, the certificate and the proxies of the configuration."""

    session: aiohttp.ClientSession

    def __init__(self, configuration: Any) -> None:
        configuration.client_session_kwargs = {"trust_env": False}  # see _proxy_of_environment
        super().__init__(configuration)
        self.session = self.pool_manager = self._create_pool_manager()

    def _create_connector(self) -> aiohttp.TCPConnector:
        # Each watch has a connection of its own for as long as it lives (HTTP/1.1), and there may be many:
        # the official client's limit of 100 would leave the next one waiting for ever.
        return aiohttp.TCPConnector(limit=0, ssl=self.ssl_context, socket_factory=_socket)


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices within `VANISHED` seconds that there is nobody any more at the other end (tcp(7))."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, VANISHED // 2)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, VANISHED // 6)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED * 1000)
    return made


class Access:
    """Where the API server is, who we are there, and the connections to it, as they were said at one time."""

    def __init__(self, configuration: Any, loader: Any) -> None:
        self._configuration = configuration
        self._loader = loader
        self._proxy = configuration.proxy or _proxy_of_environment(configuration.host)
        self._rest = _Rest(configuration)
        self.users = 0

    @classmethod
    async def load(
        cls, kubeconfig: str | None, account: Path = SERVICE_ACCOUNT, context: str | None = None
    ) -> "Access":
        """Read the kubeconfig; without one, the pod's service account; without that, the usual kubeconfig.

        Who names a `context` means a kubeconfig.
        """
        configuration = Configuration()
        try:
            loader = await _load(configuration, kubeconfig, account, context)
            return cls(configuration, loader)
        except (ConfigException, OSError, YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
            where = kubeconfig or "the service account"
            if isinstance(error, ssl.SSLError):
                raise ConfigurationError(f"the certificates of {where} cannot be used: {error}") from error
            raise ConfigurationError(f"{where} does not say how to reach the API server: {error}") from error

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host)

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections."""
        return self._rest.session

    @property
    def expired(self) -> bool:
        """Whether a plugin gave a credential whose time is over."""
        expiry = getattr(self._loader, "exec_plugin_expiry", None)
        return isinstance(expiry, datetime) and expiry <= datetime.now(UTC)

    async def arguments(self) -> dict[str, Any]:
        """What a request of the session is given beside its own: the identity (a pod's token is read again), proxies.

        ConfigurationError when the token cannot be read.
        """
        configuration = self._configuration
        try:
            settings = await configuration.auth_settings()
        except (ConfigException, OSError) as error:
            raise ConfigurationError(f"the token cannot be read: {error}") from error
        token = (settings.get("BearerToken") or {}).get("value")
        found = {"headers": {"Authorization": token.strip()} if token else {}}
        extras = {
            "server_hostname": configuration.tls_server_name,
            "proxy": self._proxy,
            "proxy_headers": configuration.proxy_headers,
        }
        return found | {name: value for name, value in extras.items() if value}

    async def close(self) -> None:
        """End all connections."""
        await self._rest.close()


def _proxy_of_environment(server: str) -> str | None:
    """The proxy that the environment names for the server (HTTPS_PROXY, NO_PROXY).

    Looked up once: aiohttp would do it for each request, in two threads, at more than the cost of the request.
    """
    url = urlsplit(server)
    return None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)


async def _load(configuration: Any, kubeconfig: str | None, account: Path, context: str | None) -> Any:
    token = account / "token"
    if kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ and token.exists():
        loader = InClusterConfigLoader(token_filename=str(token), cert_filename=str(account / "ca.crt"))
        loader.load_and_set(configuration)
        return loader
    return await load_kube_config(
        config_file=_existing(kubeconfig), context=context, client_configuration=configuration, persist_config=False
    )


def _existing(kubeconfig: str | None) -> str:
    paths = kubeconfig or USUAL_KUBECONFIG
    if any(Path(path).expanduser().is_file() for path in paths.split(":") if path):
        return paths
    if kubeconfig:
        raise ConfigException(f"there is no file {kubeconfig}")
    raise ConfigException("this is no pod, and there is no kubeconfig: set KUBECONFIG to one")

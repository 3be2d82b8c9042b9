"""A client of a test's Kubernetes API: requests, kubectl, and other users than the administrator."""

import http.client
import itertools
import json
import os
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.pki import ADMINISTRATORS, certificate_user, kubeconfig
from tests.support.certificates import Pair, new_authority

_numbers = itertools.count(1)


class ApiError(RuntimeError):
    """The API server answered a request of the test with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class ApiClient:
    """The administrator of an API server on a port of 127.0.0.1.

    `folder` is where files may be written; `kubeconfig` is the administrator's, a file in it.
    """

    def __init__(self, folder: Path, port: int, certificate: bytes, admin: Pair) -> None:
        """`certificate`: the CA's."""
        self.folder = folder
        self.url = f"https://127.0.0.1:{port}"
        self._port = port
        self._certificate = certificate
        self.kubeconfig = self._write_kubeconfig("admin", certificate_user(admin))
        self._tls = ssl.create_default_context(cadata=certificate.decode())
        self._tls.load_cert_chain(*admin.write(folder, "admin"))

    def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", timeout: float = 20.0
    ) -> tuple[int, bytes]:
        """(HTTP status, body) of a request as the administrator; OSError when there is no answer."""
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=timeout, context=self._tls)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"content-type": content_type, "accept": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Any:
        """The JSON of a good answer; ApiError otherwise."""
        status, answer = self.request(method, path, body, content_type=content_type)
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(status, answer.decode(errors="replace"))
        return json.loads(answer)

    def get(self, path: str) -> Any:
        """An object or a list."""
        return self.ask("GET", path)

    def kubectl(self, *arguments: str, stdin: str | None = None, kubeconfig: Path | None = None) -> str:
        """What kubectl prints; ApiError with its own words when it fails."""
        command = (str(ensure(["kubectl"])["kubectl"]), "--kubeconfig", str(kubeconfig or self.kubeconfig), *arguments)
        environ = {**os.environ, "HOME": str(self.folder)}
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=environ)
        if done.returncode != 0:
            raise ApiError(done.returncode, f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def apply(self, manifests: str | Path) -> None:
        """Server-side apply of YAML, or of a file or folder of it."""
        given = ("-",) if isinstance(manifests, str) else (str(manifests),)
        stdin = manifests if isinstance(manifests, str) else None
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", *given, stdin=stdin)

    def namespace(self) -> str:
        """A new namespace with a name that no other test has."""
        name = f"test-{os.getpid()}-{next(_numbers)}"
        self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    # -- other users

    def account_kubeconfig(self, name: str, *, namespace: str = "default") -> Path:
        """The kubeconfig of a ServiceAccount (made when absent), with a token as a pod has it."""
        token = self.account_token(name, namespace=namespace)
        return self._write_kubeconfig(f"account-{next(_numbers)}", {"token": token}, namespace)

    def account_token(self, name: str, *, namespace: str = "default", seconds: int = 3600) -> str:
        """A token of a ServiceAccount, which is made when absent."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        if self.request("GET", f"{accounts}/{name}")[0] == http.HTTPStatus.NOT_FOUND:
            self.ask("POST", accounts, {"metadata": {"name": name}})
        asked = {"spec": {"expirationSeconds": seconds}}
        return str(self.ask("POST", f"{accounts}/{name}/token", asked)["status"]["token"])

    def _write_kubeconfig(self, name: str, user: Mapping[str, str], namespace: str = "default") -> Path:
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(kubeconfig(self.url, self._certificate, user, namespace))
        path.chmod(0o600)
        return path


class OwnApi(ApiClient):
    """The administrator of an API server whose CA is ours, so that we can make users."""

    def __init__(self, folder: Path, port: int) -> None:
        self._authority = new_authority("test cluster")
        admin = self._authority.client("administrator", [ADMINISTRATORS])
        super().__init__(folder, port, self._authority.pair.certificate, admin)

    def user_kubeconfig(self, name: str, *, groups: Sequence[str] = (), namespace: str = "default") -> Path:
        """The kubeconfig of a user with a client certificate, who may do what RBAC says of this name or group."""
        user = certificate_user(self._authority.client(name, groups))
        return self._write_kubeconfig(f"user-{next(_numbers)}", user, namespace)

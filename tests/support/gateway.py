"""The whole system for tests: entrypoint, supervised processes and Envoy, on a folder of YAML and free ports.

with Gateway() as gateway:
    gateway.apply("quote", "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n...")
    gateway.wait_served("quote.test", "/quote/")
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support import plain
from tests.support.certificates import unverified
from tests.support.envoy import short_folder, wait_until
from tests.support.part import ROOT, product_environ
from tests.support.ports import unused_ports
from tests.support.scoped import Scoped

PARTS = ("watcher", "translator", "adsserver", "diagnostics", "envoy")
START_DEADLINE = 60.0

LISTENERS = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: http}}
spec: {{port: {http}, protocol: HTTP, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: https}}
spec: {{port: {https}, protocol: HTTPS, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: some}}
spec: {{hostname: some.test, requestPolicy: {{insecure: {{action: Route}}}}}}
"""

_NOBODYS = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
"""An object that changes nothing."""


class Gateway(Scoped):
    """One running system. `http_port` and `https_port` have Listeners already; `apply` writes more objects.

    There is a Host from the start, since where there is none at all, everything is served under a Host made up for it.
    """

    def __init__(
        self, *, listeners: bool = True, environ: Mapping[str, str] | None = None, patience: float = START_DEADLINE
    ) -> None:
        self.http_port, self.https_port, self.diagnostics_port = unused_ports(3)
        self.base = short_folder()
        self.folder = self.base / "config"
        self.run_dir = self.base / "run"
        self.folder.mkdir()
        if listeners:
            self.apply("listeners", LISTENERS.format(http=self.http_port, https=self.https_port))
        settings = {
            "DRAGOMAN_CONFIG_DIR": str(self.folder),
            "DRAGOMAN_RUN_DIR": str(self.run_dir),
            "DRAGOMAN_INGRESS_PORTS": f"{self.http_port},{self.https_port}",
            "DRAGOMAN_DRAIN_MIN": "0",
            "DRAGOMAN_DRAIN_MAX": "5",
            "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "127.0.0.1",
            "AMBASSADOR_HEALTHCHECK_BIND_PORT": str(self.diagnostics_port),
            "AMBASSADOR_ENVOY_BIND_ADDRESS": "127.0.0.1",
            "ENVOY_CONCURRENCY": "1",
            **(environ or {}),
        }
        self._environ = product_environ(settings)
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._log: list[str] = []
        self._numbers = itertools.count()

    def close(self) -> None:
        """Stop it, and remove its folders."""
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    # The system

    def start(self) -> None:
        """Start it and wait until it says that it is ready, and tells of all objects that there were.

        What is said of objects is written after the resources, for which requests wait: a moment later.
        """
        self.begin()
        wait_until(self.is_ready, self._patience, what=lambda: f"the gateway ready; its log:\n{self.log()}")
        wait_until(lambda: not self.diag()["pending"], what=lambda: f"all judged but {self.diag()['pending']}")

    def begin(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "entrypoint"],
            cwd=ROOT,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._collect, daemon=True).start()

    def stop(self) -> int | None:
        """SIGTERM, and the exit code; SIGKILL to what is left after the time that draining may take."""
        if self._process is None or self._process.poll() is not None:
            return None if self._process is None else self._process.returncode
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(START_DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def _collect(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._log.append(line.decode(errors="replace").rstrip("\n"))

    def log(self) -> str:
        """What the system logged so far."""
        return "\n".join(self._log)

    def wait_logged(self, *words: str, since: int = 0) -> str:
        """Wait for a line with all of these words; the last one. `since`: the length of the log before it.

        A line comes through pipes and threads, beside whatever its writer does next.
        """

        def found() -> str | None:
            lines = self.log()[since:].splitlines()
            return next((line for line in reversed(lines) if all(word in line for word in words)), None)

        return wait_until(found, what=lambda: f"{words} in the log, which ends:\n{self.log()[-3000:]}")

    def pid_of(self, part: str) -> int | None:
        """The process id of a part, or None while it is being restarted."""
        module = {"envoy": r"envoy( |\x00).*--"}.get(part, rf"-m[\x00 ]{part}[\x00 ]")
        for pid in self._descendants():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            name = command.split("\x00", 1)[0]
            if (part == "envoy" and Path(name).name == "envoy") or (part != "envoy" and re.search(module, command)):
                return pid
        return None

    def _descendants(self) -> Iterator[int]:
        assert self._process is not None
        todo = [self._process.pid]
        while todo:
            pid = todo.pop()
            yield pid
            try:
                tasks = list(Path(f"/proc/{pid}/task").iterdir())
                todo += [int(child) for task in tasks for child in (task / "children").read_text().split()]
            except OSError:
                continue

    def kill(self, part: str) -> int:
        """kill -9; gives the process id that was killed."""
        pid = wait_until(lambda: self.pid_of(part), what=f"{part} running")
        os.kill(pid, signal.SIGKILL)
        return pid

    # The folder

    def apply(self, name: str, text: str) -> None:
        """Write a file of the folder at once, as an editor does."""
        path = self.folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(textwrap.dedent(text))
        beside.rename(path)

    def remove(self, name: str) -> None:
        """Remove a file of the folder."""
        (self.folder / f"{name}.yaml").unlink(missing_ok=True)

    @contextlib.contextmanager
    def applied(self, name: str, text: str) -> Iterator[None]:
        """A file of the folder for the length of a block, which begins when Envoy has what came of it.

        What was removed is served a moment longer, so that a file of the same name takes its place without a gap. What
        may answer for names of others, with a star, is waited for.
        """
        self.settle(name, text)
        try:
            yield
        finally:
            self._withdraw(name, waits="*" in text)

    def _withdraw(self, name: str, *, waits: bool) -> None:
        """Remove a file; `waits`: until Envoy knows, five seconds at most, since there may have been nothing in it."""
        told, before = self._told().get("sequences") if waits else None, self._unanswered() if waits else None
        self.remove(name)
        if told:
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: self._told().get("sequences", told)["objects"] > told["objects"], 5)
            self._wait_answered(before)

    def settle(self, name: str, text: str) -> None:
        """Write a file of the folder; returns when its objects were judged, and Envoy has answered for all resources.

        The file gets one object more, which nobody else has: when that one is judged, all that is in the file was, and
        the diagnostics tell of it. Other changes may go on meanwhile, so that their number would say nothing.
        """
        last, before = f"last-{next(self._numbers)}", self._unanswered()
        said = textwrap.dedent(text).rstrip().removesuffix("---").rstrip()
        self.apply(name, f"{said}\n---\n{json.dumps({**_NOBODYS, 'metadata': {'name': last}})}\n")
        key = f"core/Secret/default/{last}"
        wait_until(
            lambda: key in self._told().get("objects", ()),
            what=lambda: f"{name}.yaml judged; the log ends:\n{self.log()[-3000:]}",
        )
        self._wait_answered(before)

    def _told(self) -> dict[str, Any]:
        """What the diagnostics say; nothing while they are away for a moment."""
        with contextlib.suppress(httpx.TransportError, ValueError):
            return self.diag()
        return {}

    def _unanswered(self) -> set[tuple[str, str]] | None:
        """The resources, with their versions, for which Envoy has not answered yet; None: nobody can say."""
        rows = self._told().get("resources")
        if rows is None:
            return None
        asked = {key: row for key, row in rows.items() if row["asked_for"]}
        versions = ((key, row["published"], {row["accepted"], row["refused"]}) for key, row in asked.items())
        return {(key, published) for key, published, answered in versions if published not in answered}

    def _wait_answered(self, before: set[tuple[str, str]] | None) -> None:
        """Until Envoy has answered for all but these; five seconds at most: nobody answers for what nobody uses."""
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: (left := self._unanswered()) is not None and left <= (before or set()), 5)

    # Questions

    def request(
        self,
        host: str,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        tls: bool = False,
        http2: bool = False,
        sni: str | None = None,
        context: ssl.SSLContext | None = None,
        content: bytes | None = None,
        timeout: float = 10.0,
    ) -> httpx.Response:
        """One request on a connection of its own. `sni` None: the host, when `tls`."""
        scheme, port = ("https", self.https_port) if tls else ("http", self.http_port)
        with httpx.Client(http1=not http2, http2=http2, verify=context or unverified(), timeout=timeout) as client:
            return client.request(
                method,
                f"{scheme}://127.0.0.1:{port}{path}",
                headers={"host": host, **(headers or {})},
                content=content,
                extensions={"sni_hostname": sni or host} if tls else {},
            )

    def wait_served(self, host: str, path: str = "/", *, status: int = 200, **more: Any) -> httpx.Response:
        """Ask until the answer has this status; the answer."""

        def served() -> httpx.Response | None:
            try:
                response = self.request(host, path, **more)
            except httpx.TransportError:
                return None
            return response if response.status_code == status else None

        return wait_until(served, what=f"{status} for {host}{path}; the log ends:\n{self.log()[-3000:]}")

    def diagnostics(self, path: str) -> httpx.Response:
        """Ask the diagnostics port."""
        return plain.get(f"http://127.0.0.1:{self.diagnostics_port}{path}", timeout=10)

    def is_ready(self) -> bool:
        """Whether check_ready says so; RuntimeError when the system ended."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the gateway ended with {self._process.returncode}:\n{self.log()}")
        try:
            return self.diagnostics("/ambassador/v0/check_ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def history(self, key: str) -> list[dict[str, Any]]:
        """What the diagnostics know of an object's changes, the newest first."""
        told = json.loads(self.diagnostics("/ambassador/v0/diag/?json=true&filter=history").content)
        return [each for each in told if each["key"] == key]

    def diag(self) -> dict[str, Any]:
        """What `/ambassador/v0/diag/?json=true` says."""
        answer: dict[str, Any] = json.loads(self.diagnostics("/ambassador/v0/diag/?json=true").content)
        return answer

"""What a newcomer does: `make run` in a terminal, the commands that it prints, edits, a mistake, Ctrl-C."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import RequiresProgram
from tests.entrypoint.house import left
from tests.support.envoy import short_folder, wait_until
from tests.support.gateway import ROOT
from tests.support.pace import is_within
from tests.support.ports import unused_ports
from tests.support.terminal import CTRL_C, terminal

pytestmark = [pytest.mark.system, pytest.mark.envoy]

QUICKSTART = ROOT / "examples/quickstart"
PORTS = ("8080", "8443", "8089")


@dataclass(frozen=True, slots=True)
class Copy:
    """The quickstart on ports of its own."""

    folder: Path
    http: int
    diagnostics: int

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in one of its files, as an editor does."""
        file = self.folder / name
        text = file.read_text()
        assert old in text
        beside = file.with_suffix(".new")
        beside.write_text(text.replace(old, new))
        beside.rename(file)

    def environment(self) -> dict[str, str]:
        """What makes the diagnostics port its own."""
        return {"AMBASSADOR_HEALTHCHECK_BIND_PORT": str(self.diagnostics), "ENVOY_CONCURRENCY": "1"}

    def make(self) -> tuple[str, ...]:
        """The newcomer's command."""
        return ("make", "--no-print-directory", "run", f"CONFIG={self.folder}")

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body of a request."""
        said = _curl(f"curl http://127.0.0.1:{self.http}{path}")
        body, _, status = said.rpartition("\n")
        return int(status), body

    def wait_answer(self, path: str, status: int) -> None:
        """Ask until this is the status."""
        wait_until(lambda: self.answer(path)[0] == status, what=f"{status} for {path}")


@pytest.fixture
def copy(requires_program: RequiresProgram) -> Iterator[Copy]:
    requires_program("make", "curl")
    base = short_folder()
    ports = unused_ports(len(PORTS) + 1)
    shutil.copytree(QUICKSTART, base / "quickstart")
    for file in (base / "quickstart").iterdir():
        text = file.read_text()
        for usual, port in zip(PORTS, ports[1:], strict=True):
            text = re.sub(rf"\b{usual}\b", str(port), text)
        file.write_text(text)
    yield Copy(base / "quickstart", ports[1], ports[0])
    shutil.rmtree(base)


def _curl(command: str) -> str:
    """What a printed command answers, and then the status on a line of its own."""
    done = subprocess.run(
        [*shlex.split(command), "--silent", "--max-time", "10", "--write-out", "\n%{http_code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_printed_commands_work_edits_are_served_and_ctrl_c_ends_with_zero(copy: Copy) -> None:
    with terminal(*copy.make(), **copy.environment()) as shown:
        shown.wait_for("Ctrl-C ends it.")
        shown.wait_for("/ambassador/v0/diag/")
        commands = re.findall(r"^  (curl .*)$", shown.text, re.MULTILINE)
        assert any("https://" in command for command in commands)
        assert {_curl(command)[-3:] for command in commands} <= {"200", "301"}
        assert '"greeting": "Hello' in copy.answer("/hello/")[1]
        assert '"path": "/anything/cups"' in copy.answer("/shop/cups")[1]
        assert {_path(copy.answer("/canary/")[1]) for _ in range(100)} == {"/stable/", "/next/"}

        copy.edit("hello.yaml", "prefix: /hello/", "prefix: /hi/")
        copy.wait_answer("/hi/", 200)
        copy.wait_answer("/hello/", 404)

        copy.edit("hello.yaml", "timeout_ms: 5000", "timeout_ms: soon")
        wait_until(lambda: _told(shown.text), what=f"the mistake told in:\n{shown.text}")
        assert copy.answer("/hi/")[0] == 200

        shown.press(CTRL_C)
        assert shown.code() == 0, shown.text
        assert "exit_code=0" in shown.text
        assert "***" not in shown.text, "make has nothing to complain of"
        assert not left(shown.mark)
        run_dirs = set(re.findall(r"/[\w/]+/dragoman-\w+(?=/)", shown.text))
        assert len(run_dirs) == 1
        assert not Path(run_dirs.pop()).exists()


def _path(body: str) -> str:
    """The path that the demo upstream says it was asked for."""
    found: str = json.loads(body)["path"]
    return found


def _told(text: str) -> bool:
    """File, object, field and reason on one line."""
    needed = ("hello.yaml", "Mapping", "shop", "timeout_ms", "soon")
    return any(all(word in line for word in needed) for line in text.splitlines())


def _first_route(port: int) -> str:
    """The README's, with its upstream at a port of the test's."""
    text = (ROOT / "README.md").read_text().partition("## A first route")[2]
    return text.partition("```yaml\n")[2].partition("```")[0].replace("8089", str(port))


def test_the_first_route_is_a_folder_of_its_own(tmp_path: Path, requires_program: RequiresProgram) -> None:
    requires_program("curl")
    http, https, diagnostics, upstream = unused_ports(4)
    (tmp_path / "quote.yaml").write_text(_first_route(upstream))
    environment = {
        "DRAGOMAN_DEFAULT_PORTS": f"{http},{https}",
        "AMBASSADOR_HEALTHCHECK_BIND_PORT": str(diagnostics),
        "ENVOY_CONCURRENCY": "1",
    }
    with terminal(str(ROOT / "scripts/dragoman"), "run", str(tmp_path), **environment) as shown:
        shown.wait_for("/ambassador/v0/diag/")
        said = f"It has no Listener, so {http} (HTTP) and {https} (HTTPS) are open, until it has one, such as {{"
        (line,) = [line for line in shown.text.splitlines() if line.startswith(said)]
        commands = re.findall(r"^  (curl .*)$", shown.text, re.MULTILINE)
        assert {command.partition("://")[0][-5:] for command in commands[:2]} == {" http", "https"}
        assert {_curl(command)[-3:] for command in commands} == {"200"}
        assert "default-host" not in shown.text

        other = unused_ports(1)[0]
        (tmp_path / "listener.yaml").write_text(line[len(said) - 1 :].replace(str(http), str(other)))
        wait_until(lambda: _status(f"http://127.0.0.1:{other}/quote/") == "200", what="the Listener's port")
        wait_until(lambda: _status(f"http://127.0.0.1:{http}/quote/") == "000", what="the default port closed")
        (tmp_path / "listener.yaml").unlink()
        wait_until(lambda: _status(f"http://127.0.0.1:{http}/quote/") == "200", what="the default port open again")
        shown.press(CTRL_C)
        assert shown.code() == 0


ODD = """
{{apiVersion: getambassador.io/v3alpha1, kind: Host, metadata: {{name: port}},
  spec: {{hostname: "port.test:8500", {open}}}}}
---
{{apiVersion: getambassador.io/v3alpha1, kind: Host, metadata: {{name: wide}}, spec: {{hostname: "*.wide.test", {open},
  tlsSecret: {{name: fallback-self-signed-cert}}}}}}
---
{{apiVersion: getambassador.io/v3alpha1, kind: Host, metadata: {{name: clear}}, spec: {{hostname: clear.test, {open}}}}}
---
{{apiVersion: getambassador.io/v3alpha1, kind: Host, metadata: {{name: chosen}}, spec: {{hostname: chosen.test, {open},
  mappingSelector: {{matchLabels: {{a: b}}}}}}}}
---
{{apiVersion: getambassador.io/v3alpha1, kind: Mapping, metadata: {{name: chosen, labels: {{a: b}}}},
  spec: {{prefix: /chosen/, service: "127.0.0.1:{upstream}"}}}}
---
{{apiVersion: getambassador.io/v3alpha1, kind: Mapping, metadata: {{name: all}},
  spec: {{hostname: "*", prefix: /all/, service: "127.0.0.1:{upstream}"}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: demo,
  annotations: {{dragoman-demo-upstream: "127.0.0.1:{upstream}"}}}}}}
---
{{apiVersion: getambassador.io/v3alpha1, kind: Listener, metadata: {{name: one}}, spec: {{port: {http}, protocol: HTTP,
  securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}}}
---
{{apiVersion: getambassador.io/v3alpha1, kind: Listener, metadata: {{name: two}},
  spec: {{port: {https}, protocol: HTTPS, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}}}
"""


def test_names_with_ports_patterns_and_selectors_are_asked_as_they_are_answered(
    tmp_path: Path, requires_program: RequiresProgram
) -> None:
    requires_program("curl")
    http, https, diagnostics, upstream = unused_ports(4)
    opened = "requestPolicy: {insecure: {action: Route}}"
    (tmp_path / "odd.yaml").write_text(ODD.format(open=opened, http=http, https=https, upstream=upstream))
    environment = {"AMBASSADOR_HEALTHCHECK_BIND_PORT": str(diagnostics), "ENVOY_CONCURRENCY": "1"}
    with terminal(str(ROOT / "scripts/dragoman"), "run", str(tmp_path), **environment) as shown:
        shown.wait_for("/ambassador/v0/diag/")
        commands = re.findall(r"^  (curl .*)$", shown.text, re.MULTILINE)
        said = " ".join(commands)
        assert "http://chosen.test/chosen/" in said
        assert "https://any.wide.test/all/" in said
        assert {_curl(command)[-3:] for command in commands} == {"200"}, said


def _status(url: str) -> str:
    return _curl(f"curl {url}")[-3:]


def test_a_second_run_beside_it_says_which_ports_are_taken(copy: Copy) -> None:
    with terminal(*copy.make(), **copy.environment()) as first:
        first.wait_for("Ctrl-C ends it.")
        with terminal(*copy.make(), **copy.environment()) as second:
            assert second.code() != 0
            assert f"port {copy.diagnostics}, wanted for diagnostics, is taken by process" in second.text
            assert f"port {copy.http}, wanted for the Listener http, is taken by process" in second.text
            assert not left(second.mark)
        assert copy.answer("/hello/")[0] == 200
        first.press(CTRL_C)
        assert first.code() == 0


def test_ctrl_c_without_make_ends_with_zero_in_about_a_second_even_with_an_open_connection(copy: Copy) -> None:
    command = (str(ROOT / "scripts/dragoman"), "run", str(copy.folder))
    with terminal(*command, **copy.environment()) as shown:
        shown.wait_for("Ctrl-C ends it.")
        with socket.create_connection(("127.0.0.1", copy.http)) as kept:
            kept.sendall(b"GET /hello/ HTTP/1.1\r\nhost: x\r\n\r\n")
            assert kept.recv(65536).startswith(b"HTTP/1.1 200")
            begin = time.monotonic()
            shown.press(CTRL_C)
            assert shown.code() == 0, shown.text
            assert is_within(time.monotonic() - begin, 4, times=15)
        assert not left(shown.mark)


def test_a_killed_make_ends_everything(copy: Copy) -> None:
    with terminal(*copy.make(), **copy.environment()) as shown:
        shown.wait_for("Ctrl-C ends it.")
        shown.process.kill()
        wait_until(lambda: not left(shown.mark), what="everything ends")


def test_a_terminal_that_is_closed_ends_everything(copy: Copy) -> None:
    with terminal(*copy.make(), **copy.environment()) as shown:
        shown.wait_for("Ctrl-C ends it.")
        os.kill(shown.process.pid, 1)  # what the kernel sends to the shell; make passes nothing on
        mine = [pid for pid, command in left(shown.mark).items() if "-m cli run" in command]
        assert len(mine) == 1
        os.kill(mine[0], 1)
        wait_until(lambda: not left(shown.mark), what="everything ends")

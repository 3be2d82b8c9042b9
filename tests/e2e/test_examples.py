"""Every example is served as it stands, and every command of its guide answers what the guide says.

In a guide, a line of ```console that begins with `$` is a command, and the lines after it are in what it prints.
"""

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import LISTENERS, Gateway
from tests.support.part import ROOT
from tests.support.ports import unused_ports

pytestmark = [pytest.mark.envoy, pytest.mark.system]

ELSEWHERE: Final = {"ci", "knative", "kubernetes", "logs-and-traces", "provisioned", "quickstart", "services"}
"""Asked in tests/deploy, tests/cli/test_newcomer.py, and in tests of their own."""
SERVERS: Final = {"consul": "8500", "tracing": "9411"}
"""The port of an example's server.py, where it is not 50051."""
OWN_PORTS: Final = {"gateway-api", "ingress", "policies", "tls-to-services"}
"""Those that open ports themselves."""
MISSED: Final = {"consul": {"getambassador.io/Mapping/default/quote"}}
"""What leads nowhere until the guide's first command."""
EXAMPLES: Final = sorted(path.name for path in (ROOT / "examples").iterdir() if path.name not in ELSEWHERE)

BLOCK: Final = re.compile(r"```console\n(.*?)```", re.DOTALL)
LISTENER: Final = (
    LISTENERS.partition("kind: Host")[0].rstrip().removesuffix("apiVersion: getambassador.io/v3alpha1").rstrip(" -\n")
)


@dataclass(frozen=True)
class Ask:
    """A command, and the lines that it prints."""

    command: str
    lines: tuple[str, ...]


def asked(name: str) -> list[Ask]:
    """What the guide of an example asks."""
    guide = (ROOT / "docs" / "guides" / f"{name}.md").read_text()
    blocks = [block.strip().splitlines() for block in BLOCK.findall(guide)]
    assert all(block[0].startswith("$ ") for block in blocks)
    return [Ask(block[0].removeprefix("$ "), tuple(block[1:])) for block in blocks]


@dataclass(frozen=True)
class Example:
    """An example that is served from a copy, on ports of its own."""

    gateway: Gateway
    name: str
    ports: dict[str, int]

    def translated(self, text: str) -> str:
        """What a page or a file says, with the places of the copy."""
        for written, real in self.ports.items():
            text = re.sub(rf"(?<=:)( ?){written}\b", rf"\g<1>{real}", text)
        text = text.replace(f"examples/{self.name}/", f"{self.gateway.folder}/")
        return text.replace(".venv/bin/python", sys.executable)

    def run(self, command: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            ["/bin/sh", "-c", self.translated(command)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Iterator[Example]:
    name, gateway = str(request.param), Gateway(listeners=False)
    demo, behind = unused_ports(2)
    ports = {"8080": gateway.http_port, "8443": gateway.https_port, "8877": gateway.diagnostics_port}
    served = Example(gateway, name, {**ports, "8089": demo, SERVERS.get(name, "50051"): behind})
    for path in sorted((ROOT / "examples" / name).iterdir()):
        if path.suffix in {".yaml", ".py", ".sh"} and path.name != "ca.yaml":
            (gateway.folder / path.name).write_text(served.translated(path.read_text()))
    if name not in OWN_PORTS:
        gateway.apply("listeners", LISTENER.format(http=gateway.http_port, https=gateway.https_port))
    with contextlib.ExitStack() as stack:
        if (gateway.folder / "certificates.sh").exists():
            subprocess.run(["/bin/sh", gateway.folder / "certificates.sh"], check=True, timeout=60)
        if (gateway.folder / "server.py").exists():
            command = [sys.executable, gateway.folder / "server.py", f"127.0.0.1:{behind}"]
            server = stack.enter_context(subprocess.Popen(command))
            stack.callback(server.kill)
        stack.enter_context(gateway)
        yield served


def test_it_has_a_guide_with_commands_and_these_are_answered(example: Example) -> None:
    objects = example.gateway.diag()["objects"]
    own = {
        key: row
        for key, row in objects.items()
        if key.startswith(("getambassador.io/", "gateway.networking.k8s.io/", "networking.k8s.io/"))
        and "/Listener/" not in key
    }
    told = {key: row["problems"] for key, row in own.items() if row["state"] != "ok"}
    assert told.keys() == MISSED.get(example.name, set()), told
    asks = asked(example.name)
    assert asks
    for ask in asks:
        assert ask.lines, ask.command
        printed: list[str] = []

        def is_answered(ask: Ask = ask, printed: list[str] = printed) -> bool:
            printed[:] = example.run(ask.command).replace("\r", "").splitlines()
            return all(line in printed for line in map(example.translated, ask.lines))

        wait_until(is_answered, what=lambda ask=ask, printed=printed: f"{ask}; it printed {printed}")


def test_every_guide_has_its_example() -> None:
    assert {path.stem for path in Path(ROOT / "docs/guides").glob("*.md")} >= set(EXAMPLES)
    assert shutil.which("curl")

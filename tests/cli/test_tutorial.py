"""The tutorial is what happens: its files are written, its commands run, and what it shows is what they print.

In the page a block of ```yaml is a file, whose name is in its first line. In ```console a line that begins with `$` is
a command, and what follows is what it prints, where `...` stands for any lines. A command in ```sh is run, and
`make run` goes on until the end. Nothing is rewritten but the ports, which are the test's own.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import RequiresProgram
from tests.support.envoy import short_folder, wait_until
from tests.support.gateway import ROOT
from tests.support.ports import unused_ports
from tests.support.terminal import CTRL_C, Terminal, terminal

pytestmark = [pytest.mark.system, pytest.mark.envoy]

PAGE: Final = ROOT / "docs/tutorial.md"
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PORTS: Final = ("8080", "8443", "8089")
ANY: Final = "..."
"""In the page: any lines, or none."""


def steps() -> list[tuple[str, str]]:
    """The blocks of the page, each with its language."""
    return [(found[1], found[2]) for found in BLOCK.finditer(PAGE.read_text())]


def asks(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that it prints."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command, shown


def is_shown(shown: list[str], printed: list[str]) -> bool:
    """Whether the printed lines are those that are shown."""
    pattern = "".join("(?:.*\n)*?" if line == ANY else re.escape(line + "\n") for line in shown)
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def test_lines_that_are_left_out_are_any_and_no_other_is() -> None:
    assert is_shown(["a", ANY, "d"], ["a", "b", "c", "d"])
    assert is_shown([ANY, "a", ANY], ["a"])
    assert not is_shown(["a", ANY, "d"], ["a", "d", "e"])
    assert not is_shown([], ["a"])


class Reader:
    """Somebody who follows the page, in a folder that has the clone's files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in ROOT.iterdir():
            if path.name not in {".build", ".git"}:
                (folder / path.name).symlink_to(path)
        self.diagnostics, *ports = map(str, sorted(unused_ports(1 + len(PORTS))))  # what is told is in their order
        self.ports = dict(zip(sorted(PORTS), ports, strict=True))
        self.run_dir = folder / "run"
        self.run_dir.mkdir(mode=0o700)

    def translated(self, text: str) -> str:
        """With the ports of the test."""
        return re.sub(r"\b(?:8080|8443|8089)\b", lambda port: self.ports[port[0]], text)

    def environment(self) -> dict[str, str]:
        """What makes the gateway the test's own."""
        return {
            "AMBASSADOR_HEALTHCHECK_BIND_PORT": self.diagnostics,
            "DRAGOMAN_DEFAULT_PORTS": f"{self.ports['8080']},{self.ports['8443']}",
            "DRAGOMAN_RUN_DIR": str(self.run_dir),
            "ENVOY_CONCURRENCY": "1",
        }

    def write(self, text: str) -> None:
        """Write a file of the page, as an editor does."""
        name, _, _ = text.removeprefix("# ").partition("\n")
        path = self.folder / name
        beside = path.with_suffix(".new")
        beside.write_text(self.translated(text))
        beside.rename(path)

    def run(self, command: str) -> list[str]:
        """What a command prints, with the ports of the page."""
        done = subprocess.run(
            ["/bin/sh", "-c", f"{self.translated(command)}"],
            cwd=self.folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "DRAGOMAN_RUN_DIR": str(self.run_dir)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        text = done.stdout
        for written, real in self.ports.items():
            text = text.replace(real, written)
        return text.splitlines()

    def follow(self, block: str, shown: Terminal) -> None:
        """Run the commands of a block; what is asked of a gateway that has just been told something is asked again."""
        for command, lines in asks(block):
            printed: list[str] = []

            def is_as_shown(command: str = command, lines: list[str] = lines, printed: list[str] = printed) -> bool:
                printed[:] = self.run(command)
                return is_shown(lines, printed)

            wait_until(is_as_shown, 60, what=lambda said=printed, command=command: f"{command}; it printed {said}")
        assert shown.process.poll() is None, shown.text


@pytest.fixture
def reader(requires_program: RequiresProgram) -> Iterator[Reader]:
    requires_program("make", "curl")
    folder = short_folder()
    yield Reader(folder)
    subprocess.run(["rm", "-r", folder], check=True)


def test_the_page_is_what_happens(reader: Reader) -> None:
    (first, made), (second, quote), (third, serve), *rest, (last, removed) = steps()
    assert (first, second, third, last) == ("sh", "yaml", "sh", "sh")
    assert reader.run(made) == []
    reader.write(quote)
    command = serve.split()
    assert command[:2] == ["make", "run"]
    with terminal("make", "-C", str(reader.folder), *command[1:], **reader.environment()) as shown:
        shown.wait_for("/ambassador/v0/diag/")
        assert f"curl http://127.0.0.1:{reader.ports['8080']}/quote/" in shown.text
        for language, block in rest:
            if language == "yaml":
                reader.write(block)
            else:
                assert language == "console"
                reader.follow(block, shown)
            if "weight: 200" in block and "status" not in block:
                shown.wait_for('field=spec.weight reason="must be between 0 and 100, not 200"')
        shown.press(CTRL_C)
        assert shown.code() == 0
    assert reader.run(removed) == []
    assert not (reader.folder / "tutorial").exists()

"""`dragoman run --live` in a real terminal: a picture that follows what goes on, and a terminal that is as it was."""

import os
import re
import signal
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from tests.entrypoint.house import left
from tests.support.envoy import short_folder, wait_until
from tests.support.gateway import ROOT
from tests.support.objects import mapping
from tests.support.plain import get
from tests.support.ports import unused_ports
from tests.support.terminal import CTRL_C, Terminal, terminal
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.system, pytest.mark.envoy]

ENTERED, LEFT, HOME = "\x1b[?1049h", "\x1b[?1049l", "\x1b[H"
SIZE = (100, 30)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of its own, on ports of its own."""

    path: Path
    http: int
    diagnostics: int
    service: str
    environment: dict[str, str]

    def write(self, name: str, text: str) -> None:
        """Write a file at once, as an editor does."""
        (self.path / "new").write_text(text)
        (self.path / "new").rename(self.path / f"{name}.yaml")

    def ask(self) -> int:
        """The status of a request."""
        return get(f"http://127.0.0.1:{self.http}/a/", timeout=10).status_code


@pytest.fixture
def folder() -> Iterator[Folder]:
    base = short_folder()
    http, https, diagnostics = unused_ports(3)
    environment = {
        "DRAGOMAN_DEFAULT_PORTS": f"{http},{https}",
        "AMBASSADOR_HEALTHCHECK_BIND_PORT": str(diagnostics),
        "ENVOY_CONCURRENCY": "1",
        "TERM": "xterm",
    }
    with HttpUpstream("red") as red:
        made = Folder(base, http, diagnostics, red.service, environment)
        made.write("a", mapping("a", "*", red.service, "/a/"))
        yield made
    for file in base.iterdir():
        file.unlink()
    base.rmdir()


def command(folder: Folder, *more: str) -> tuple[str, ...]:
    return (str(ROOT / "scripts/dragoman"), "run", *more, str(folder.path))


def frame(shown: Terminal) -> list[str]:
    """The lines of the last picture that is whole, without colours."""
    whole = shown.text.split(HOME)[1:]
    ended = [each for each in whole if each.rstrip("\n").endswith("\x1b[J")]
    return [line.removesuffix("\x1b[K") for line in _plain(ended[-1]).splitlines()] if ended else []


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[JK]", "", click.unstyle(text))


def wait_line(shown: Terminal, pattern: str) -> str:
    """Wait until the picture has a line like this; the line."""

    def found() -> str | None:
        assert shown.process.poll() is None, shown.text[-3000:]
        return next((line for line in frame(shown) if re.search(pattern, line)), None)

    return wait_until(found, 60, what=lambda: f"{pattern!r} in:\n" + "\n".join(frame(shown)))


def section(shown: Terminal, name: str) -> list[str]:
    """The lines below a heading."""
    lines = frame(shown)
    places = [place for place, line in enumerate(lines) if line.startswith(name)]
    if not places:
        return []
    after = lines[places[0] + 1 :]
    return after[: after.index("")] if "" in after else after


def test_it_follows_problems_changes_requests_and_parts(folder: Folder) -> None:
    with terminal(*command(folder, "--live"), **folder.environment) as shown:
        shown.resize(*SIZE)
        wait_line(shown, "^Envoy [0-9.]+ LIVE; ")
        wait_line(shown, "; all [45] parts well$")
        wait_until(lambda: section(shown, "Problems") == ["none"], what="no problem")
        assert folder.ask() == 200
        wait_line(shown, r"^Requests [0-9.]+/s, 0.0/s 5xx, [1-9]")

        folder.write("a", mapping("a", "*", folder.service, "/a/", timeout_ms=4321))
        line = wait_line(shown, r"changed  Mapping default/a  served after [0-9.]+m?s  \(a.yaml#1\)")
        assert line in section(shown, "Changes")

        folder.write("b", mapping("b", "*", folder.service, "/b/", timeout_ms="soon"))
        wait_until(lambda: any("Mapping default/b" in each for each in section(shown, "Problems")), what="the problem")
        (folder.path / "b.yaml").unlink()
        wait_until(lambda: section(shown, "Problems") == ["none"], what="no problem any more")

        shown.press(CTRL_C)
        assert shown.code() == 0, shown.text[-3000:]
        wait_until(lambda: LEFT in shown.text, what="the terminal as it was")
        assert "exit_code=0" in shown.text.rpartition(LEFT)[2], "the end of the log stays"
        assert not left(shown.mark)


def test_it_is_drawn_anew_in_another_size(folder: Folder) -> None:
    with terminal(*command(folder, "--live"), **folder.environment) as shown:
        shown.resize(*SIZE)
        wait_line(shown, "^Envoy ")
        for columns, lines in ((40, 12), (150, 50)):
            shown.resize(columns, lines)
            wait_until(
                lambda lines=lines: len(frame(shown)) == lines or _is_short(shown, lines),
                what=lambda: "another height of:\n" + "\n".join(frame(shown)),
            )  # type: ignore[misc]
            wait_until(lambda columns=columns: max(map(len, frame(shown))) <= columns, what="another width")  # type: ignore[misc]
        wait_line(shown, f"{folder.diagnostics}/ambassador/v0/diag/$")


def _is_short(shown: Terminal, lines: int) -> bool:
    """Where there is less to tell than there is room for, all of it is there."""
    return len(frame(shown)) < lines and any("ready" in line for line in section(shown, "Log"))


def test_a_terminal_that_is_closed_ends_everything(folder: Folder) -> None:
    with terminal(*command(folder, "--live"), **folder.environment) as shown:
        wait_line(shown, "^Envoy ")
        os.kill(shown.process.pid, signal.SIGHUP)
        wait_until(lambda: not left(shown.mark), what="everything ends")


def test_a_killed_picture_ends_the_gateway(folder: Folder) -> None:
    with terminal(*command(folder, "--live"), **folder.environment) as shown:
        wait_line(shown, "^Envoy ")
        shown.process.kill()
        wait_until(lambda: not left(shown.mark), what="everything ends")


def test_what_keeps_it_from_beginning_stays_on_the_terminal_with_its_exit_code(folder: Folder) -> None:
    with terminal(*command(folder), **folder.environment) as first:
        first.wait_for("Ctrl-C ends it.")
        with terminal(*command(folder, "--live"), **folder.environment) as second:
            assert second.code() == 2
            wait_until(lambda: LEFT in second.text, what="the terminal as it was")
            assert f"port {folder.diagnostics}, wanted for diagnostics, is taken" in second.text.rpartition(LEFT)[2]


def test_keys_are_not_shown_and_the_terminal_is_given_back_as_it_was(folder: Folder) -> None:
    with terminal(*command(folder, "--live"), **folder.environment) as shown:
        before = termios.tcgetattr(shown.screen)
        wait_line(shown, "^Envoy ")
        assert not termios.tcgetattr(shown.screen)[3] & termios.ECHO
        shown.press(CTRL_C)
        assert shown.code() == 0
        assert termios.tcgetattr(shown.screen) == before


def test_where_there_is_no_terminal_for_a_picture_there_are_lines(folder: Folder) -> None:
    with terminal(*command(folder, "--live"), **{**folder.environment, "TERM": "dumb"}) as shown:
        shown.wait_for("Ctrl-C ends it.")
        assert ENTERED not in shown.text
        shown.press(CTRL_C)
        assert shown.code() == 0

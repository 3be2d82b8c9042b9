"""Pictures of the page: a real browser makes them of a real gateway, and the site has those that there are."""

import os
import struct
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from docsite.pages import pages
from docsite.screenshots import PLACE, take, with_pictures
from docsite.tree import ROOT
from tests.conftest import RequiresProgram
from tests.screenshots import DESK, NO_BROWSER, ON_A_PHONE, PHONE
from tests.support.browser import PROGRAM

PAGE = PurePosixPath("diagnostics.md")


def named(text: str) -> list[str]:
    """The pictures that a page names."""
    lines = [line for line in text.splitlines() if line.startswith(PLACE)]
    return [name for line in lines for name in line.removeprefix(PLACE).removesuffix("-->").split()]


def test_pictures_that_are_there_are_put_where_a_page_names_them() -> None:
    text = "# A\n\n<!-- screenshots: one two -->\n\nB\n"
    there = ["one-light.png", "one-dark.png", "one-phone.png", "three-light.png"]
    day = "![One, light](../screenshots/one-light.png#only-light)"
    night = "![One, dark](../screenshots/one-dark.png#only-dark)"
    phone = '![One, phone](../screenshots/one-phone.png){ width="240" }'
    assert with_pictures(text, there, "../") == f"# A\n\n{day}\n{night}\n\n{phone}\n\nB\n"
    assert with_pictures(text, []).split() == ["#", "A", "B"]


def test_without_a_browser_there_are_none_and_it_is_said_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = take(tmp_path / "pictures")
    assert reason is not None
    assert PROGRAM in reason
    assert not (tmp_path / "pictures").exists()
    done = subprocess.run([sys.executable, "-m", "tests.screenshots", tmp_path], cwd=ROOT, check=False, env=os.environ)
    assert done.returncode == NO_BROWSER


@pytest.mark.envoy
@pytest.mark.system
def test_what_pages_name_is_taken_by_day_by_night_and_on_a_phone(
    tmp_path: Path, requires_program: RequiresProgram
) -> None:
    requires_program(PROGRAM)
    assert take(tmp_path) is None
    wanted = named(pages(ROOT)[PAGE])
    assert wanted
    for name in wanted:
        for kind in ("light", "dark", *(["phone"] if name in ON_A_PHONE else [])):
            head = (tmp_path / f"{name}-{kind}.png").read_bytes()[:24]
            assert head.startswith(b"\x89PNG")
            size = PHONE if kind == "phone" else DESK
            assert struct.unpack(">II", head[16:]) == (size["width"], size["height"])

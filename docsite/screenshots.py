"""Pictures of the diagnostics' page: made with the site, by the tests' browser, and put where a page says.

Who reads the pages in the tree sees none, and misses none: so nothing binary is kept, and none is out of date.
"""

import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from docsite.tree import ROOT

PLACE: Final = "<!-- screenshots: "
"""Begins the line of a page where pictures are put, by their names; the site is built without it."""
FOLDER: Final = "screenshots"
_NARROW: Final = '{ width="240" }'


def take(folder: Path) -> str | None:
    """Make them; why there are none, if so."""
    command = [sys.executable, "-m", "tests.screenshots", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]


def with_pictures(text: str, there: Collection[str], up: str = "") -> str:
    """A page with the pictures that it names, as far as they are there; `up`: the way to the folder that has theirs."""
    lines = []
    for line in text.splitlines(keepends=True):
        names = line.strip().removeprefix(PLACE).removesuffix("-->").split() if line.startswith(PLACE) else None
        lines.append(line if names is None else _shown(names, there, up))
    return "".join(lines)


def _shown(names: Sequence[str], there: Collection[str], up: str) -> str:
    """Each view by day for who reads by day, and by night; and beside each other those on a phone."""
    desk = [
        _picture(name, kind, up, f"#only-{kind}")
        for name in names
        for kind in ("light", "dark")
        if _file(name, kind) in there
    ]
    phone = [_picture(name, "phone", up) + _NARROW for name in names if _file(name, "phone") in there]
    return "\n".join([*desk, "", " ".join(phone), ""])


def _picture(name: str, kind: str, up: str, only: str = "") -> str:
    return f"![{name.capitalize()}, {kind}]({up}{FOLDER}/{_file(name, kind)}{only})"


def _file(name: str, kind: str) -> str:
    return f"{name}-{kind}.png"

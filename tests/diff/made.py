"""Configurations made of texts, and what is different between two, without the command."""

import tempfile
from pathlib import Path
from typing import Any

from diff.comparing import Compared, Difference, compare
from diff.making import Made, Maker
from diff.report import report
from diff.sources import Side, of_read
from lint.reading import read
from process.settings import Settings
from watcher.limits import Limits

MAKER = Maker.of(Settings.from_environment({"DRAGOMAN_CONFIG_DIR": "/nowhere", "DRAGOMAN_DEFAULT_PORTS": "8080,8443"}))


def side(text: str, label: str = "") -> Side:
    """A folder with one file of this text."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_text(text)
        return of_read(read([Path(folder)], "default", Limits()), label)


def made(text: str) -> Made:
    """The configuration of such a folder."""
    return MAKER.make(side(text))


def compared(before: str, after: str) -> Compared:
    """What is different between two texts."""
    old, new = made(before), made(after)
    return compare(old.outline, new.outline, old.bodies, new.bodies)


def differences(before: str, after: str) -> dict[tuple[str, str], Difference]:
    """The same, by sort and what: there must be one of each."""
    found = compared(before, after).differences
    by_sort = {(each.what, each.sort): each for each in found}
    assert len(by_sort) == len(found), found
    return by_sort


def reported(before: str, after: str) -> dict[str, Any]:
    """The report on two texts."""
    sides = side(before, "old"), side(after, "new")
    old, new = (MAKER.make(each) for each in sides)
    return report(*sides, old, new, compare(old.outline, new.outline, old.bodies, new.bodies))

"""The navigation of the site, which is docs/README.md: its headings, and the pages that the lists below them name.

So whoever reads the folder has the same order as whoever reads the site.
"""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from docsite.tree import led_to, place

Entry: TypeAlias = str | dict[str, "str | list[Entry]"]

_HOME: Final = PurePosixPath("docs/README.md")
_ENTRY: Final = re.compile(r"## (?P<section>.+)|- \[(?P<title>[^\]]+)\]\((?P<link>[^)\s]+)\)")


def navigation(home: str, pages: Collection[PurePosixPath]) -> list[Entry]:
    """What the home page names, in its order; below a page that has a folder of its own, whatever is in that."""
    nav: list[Entry] = [{"Home": "README.md"}]
    below = nav
    for line in home.splitlines():
        found = _ENTRY.match(line)
        if found is None:
            continue
        if found["section"]:
            below = []
            nav.append({found["section"]: below})
        elif led := led_to(_HOME, found["link"]):
            below.append(_entry(found["title"], place(led[0], is_folder=not led[0].suffix), pages))
    return nav


def _entry(title: str, page: PurePosixPath, pages: Collection[PurePosixPath]) -> Entry:
    folder = page.parent if page.name == "README.md" else page.with_suffix("")
    below = sorted(str(each) for each in pages if each.parent == folder and each != page)
    return {title.strip("`"): [str(page), *below] if below else str(page)}


def named(nav: list[Entry]) -> set[str]:
    """The pages that are in it."""
    found: set[str] = set()
    for entry in nav:
        for value in [entry] if isinstance(entry, str) else entry.values():
            found |= {value} if isinstance(value, str) else named(value)
    return found

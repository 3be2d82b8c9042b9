"""Where things are: in the tree, and in the site that is made of it.

Pages lead to files of the tree, such as examples, manifests and tests. A site that works by itself has these too, so
each file or folder that a page leads to becomes a page of the site.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = PurePosixPath("docs")
LINK: Final = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
_FENCE: Final = re.compile(r" *(`{3,}|~{3,})")


class UnreachableError(Exception):
    """A page leads to what is not there."""


def place(path: PurePosixPath, *, is_folder: bool) -> PurePosixPath:
    """Where the site has a file or folder of the tree, as a page of Markdown."""
    if is_folder:
        return place(path / "README.md", is_folder=False) if _in_docs(path) else PurePosixPath("tree", path, "index.md")
    if _in_docs(path):
        return path.relative_to(DOCS)
    if len(path.parts) == 1 and path.suffix == ".md":
        return PurePosixPath("project", path.name.lower())
    return PurePosixPath("tree", path if path.suffix == ".md" else path.with_name(path.name + ".md"))


def _in_docs(path: PurePosixPath) -> bool:
    return path.parts[:1] == DOCS.parts


def led_to(page: PurePosixPath, link: str) -> tuple[PurePosixPath, str] | None:
    """The path in the tree that a page's link leads to, and its anchor; None where it leads out, or into the page."""
    name, _, anchor = link.partition("#")
    if not name or "://" in name or name.startswith("mailto:"):
        return None
    return PurePosixPath(os.path.normpath(page.parent / name)), anchor


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """The text with its lines changed, but for those of code between fences."""
    lines, fence = [], ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            closes = found is not None and found[1].startswith(fence) and not line.strip().strip(fence[0])
            fence = "" if closes else fence
            lines.append(line)
        elif found:
            fence = found[1]
            lines.append(line)
        else:
            lines.append(change(line))
    return "".join(lines)


def links(text: str) -> set[str]:
    """The links of a page, but for those in code between fences."""
    found: set[str] = set()

    def note(line: str) -> str:
        found.update(LINK.findall(line))
        return line

    outside_fences(text, note)
    return found

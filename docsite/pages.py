"""The pages of the site: those of docs/, and whatever they lead to, each with its links as the site has them."""

import os
import re
from pathlib import Path, PurePosixPath
from typing import Final

from docsite.tree import LINK, UnreachableError, led_to, links, outside_fences, place

_ITEM: Final = re.compile(r"([-*] |\d+\. )")
_INDENT: Final = 4
_NOT_SEARCHED: Final = "---\nsearch:\n  exclude: true\n---\n\n"
_LANGUAGES: Final = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".sh": "bash", ".json": "json", ".go": "go"}


def pages(root: Path) -> dict[PurePosixPath, str]:
    """The text of every page of the site, by its place."""
    begin = [PurePosixPath(path.relative_to(root)) for path in root.glob("docs/**/*.md")]
    begin += [PurePosixPath(path.name) for path in root.glob("*.md")]
    made: dict[PurePosixPath, str] = {}
    seen = set(begin)
    while begin:
        path = begin.pop()
        is_folder = (root / path).is_dir()
        text = _listing(root, path) if is_folder else (root / path).read_text()
        if is_folder or path.suffix == ".md":
            base = path / "README.md" if is_folder else path
            led = {found[0] for link in links(text) if (found := led_to(base, link))}
            begin += sorted(led - seen)
            seen |= led
            text = _page(root, base, place(path, is_folder=is_folder), text)
        else:
            text = _code(path, text)
        made[place(path, is_folder=is_folder)] = text if path.suffix == ".md" else _NOT_SEARCHED + text
    return made


def _page(root: Path, page: PurePosixPath, here: PurePosixPath, text: str) -> str:
    def rewritten(link: str) -> str:
        found = led_to(page, link)
        if found is None:
            return link
        path, anchor = found
        if not (root / path).exists():
            raise UnreachableError(f"{page} leads to {link}, which is not there")
        there = os.path.relpath(place(path, is_folder=(root / path).is_dir()), here.parent)
        return f"{there}#{anchor}" if anchor else there

    return indented(outside_fences(text, lambda line: LINK.sub(lambda link: rewritten(link[1]), line)))


def _listing(root: Path, folder: PurePosixPath) -> str:
    if folder.parts[:1] == ("docs",):
        readme = root / folder / "README.md"
        if not readme.exists():
            raise UnreachableError(f"a page leads to {folder}, which has no README.md")
        return readme.read_text()
    names = sorted(path.name for path in (root / folder).iterdir() if path.is_file() and not path.name.startswith("."))
    return f"# `{folder}/`\n\n" + "".join(f"- [{name}]({name})\n" for name in names)


def _code(path: PurePosixPath, text: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`{3,}", text)), default=2))
    return f"# `{path}`\n\n{fence}{_LANGUAGES.get(path.suffix, 'text')}\n{text.rstrip()}\n{fence}\n"


def indented(text: str) -> str:
    """The text with what belongs to an item of a list four columns in, as the maker of the site wants it.

    Elsewhere it is enough to be as far in as the item's own text.
    """
    lines, width = [], 0
    for line in text.splitlines(keepends=True):
        item = _ITEM.match(line)
        depth = len(line) - len(line.lstrip(" "))
        if item:
            width = len(item[1])
        elif line.strip() and depth < width:
            width = 0
        lines.append(" " * (_INDENT - width) + line if width and not item and line.strip() else line)
    return "".join(lines)

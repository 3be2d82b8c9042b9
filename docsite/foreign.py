"""What a browser would ask others for when it shows the site: nothing, or who is without internet sees less."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

_LOADED: Final = {"src", "srcset", "poster", "data", "action", "background", "manifest", "style"}
"""Attributes whose addresses are asked for, of whatever element; `href` is, of a `link`."""
_FOREIGN: Final = re.compile(r"(?:https?:)?//[\w.-]+", re.IGNORECASE)
_OF_STYLES: Final = re.compile(
    r"url\(\s*[\"']?((?:https?:)?//[^)\"']+)|@import\s+[\"']((?:https?:)?//[^\"']+)", re.IGNORECASE
)
_OF_SCRIPTS: Final = re.compile(r"https?://[\w./-]+")
_LANGUAGES: Final = "lunr"
"""The folder of the search's other languages, whose comments name their authors; nothing loads them."""
_NEVER_ASKED: Final = (
    "http://lunrjs.com",
    "http://tartarus.org/",
    "http://www.w3.org/",
    "https://clipboardjs.com/",
    "https://bit.ly/",
    "https://api.github.com/",  # of a repository that is named; none is
    "https://unpkg.com/mermaid",  # for pictures that no page has
    "https://unpkg.com/resize-observer-polyfill",  # for browsers of before 2020
)
"""Addresses in the scripts of the theme that are words, or of what the site does not have."""


def foreign(site: Path) -> list[str]:
    """Each address that would be asked for, with the file that has it."""
    return sorted(
        f"{path.relative_to(site)}: {address}"
        for path in site.rglob("*")
        if path.suffix in _READERS and _LANGUAGES not in path.parts
        for address in _READERS[path.suffix](path.read_text())
    )


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if value and (name in _LOADED or (name == "href" and tag == "link")) and _FOREIGN.search(value):
                self.found.append(value)
            if name == "content" and value and ("http-equiv", "refresh") in attrs and _FOREIGN.search(value):
                self.found.append(value)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += _in_styles(data)
            self._in_style = False


def _in_pages(text: str) -> list[str]:
    page = _Page()
    page.feed(text)
    return page.found


def _in_styles(text: str) -> list[str]:
    return [found[1] or found[2] for found in _OF_STYLES.finditer(text)]


def _in_scripts(text: str) -> Iterator[str]:
    return (address for address in _OF_SCRIPTS.findall(text) if not address.startswith(_NEVER_ASKED))


_READERS: Final = {".html": _in_pages, ".css": _in_styles, ".svg": _in_styles, ".js": _in_scripts}

"""How a report is written: for people, for programs, and for the pages of those who review a change."""

from collections.abc import Callable, Mapping
from typing import Final

from lint.formats.github import github
from lint.formats.json import as_json
from lint.formats.junit import junit
from lint.formats.sarif import sarif
from lint.formats.text import text
from lint.linter import Report

__all__ = ["FORMATS", "text"]

FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
    "junit": junit,
    "github": github,
}
"""By name. Each gives a whole text that ends with a line feed, or nothing."""

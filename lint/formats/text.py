"""For people: a line for each finding, how to mend it below, and a line that counts."""

from collections.abc import Mapping
from typing import Final

import click

from lint.findings import Finding, Severity
from lint.linter import Report
from process.text import escaped

_COLOURS: Final[Mapping[Severity, str]] = {"error": "red", "warning": "yellow", "advice": "cyan"}
_WORDS: Final[Mapping[Severity, tuple[str, str]]] = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "advice": ("piece of advice", "pieces of advice"),
}


def text(report: Report) -> str:
    """The report with colours; who writes it where there are none leaves them out (`click.echo` does)."""
    return "".join([*map(_shown, report.findings), _summary(report), "\n"])


def _shown(finding: Finding) -> str:
    place = finding.place
    where = click.style(f"{escaped(place.file)}:{place.line}:{place.column}:", bold=True)
    severity = click.style(finding.severity, fg=_COLOURS[finding.severity], bold=True)
    of = f" {escaped(_called(finding))}:" if finding.object else ""
    mend = click.style(f"    {finding.code.mend}", dim=True)
    return f"{where} {severity} {finding.code.id}{of} {escaped(finding.sentence)}\n{mend}\n"


def _called(finding: Finding) -> str:
    """An object's kind, namespace and name."""
    return finding.object.partition("/")[2] if finding.object.count("/") > 2 else finding.object


def _summary(report: Report) -> str:
    objects, files = ("object", "objects"), ("file", "files")
    looked = f"{_counted(report.objects, *objects)} in {_counted(report.files, *files)}"
    silenced = f", {report.silenced:,} silenced" if report.silenced else ""
    if not report.findings:
        return click.style(f"{looked}: nothing found{silenced}", fg="green")
    counts = ((report.count(severity), words) for severity, words in _WORDS.items())
    return f"{looked}: {', '.join(_counted(count, *words) for count, words in counts if count)}{silenced}"


def _counted(count: int, single: str, plural: str) -> str:
    return f"{count:,} {single if count == 1 else plural}"

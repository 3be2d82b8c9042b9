"""For people: a line for each finding, how to mend it below, and a line that counts."""

from typing import Final

import click

from lint.findings import Finding
from lint.linter import Report
from process.text import escaped

_COLOURS: Final = {"error": "red", "warning": "yellow", "advice": "cyan"}


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
    looked = f"{report.objects:,} objects in {report.files:,} files"
    silenced = f", {report.silenced:,} silenced" if report.silenced else ""
    if not report.findings:
        return click.style(f"{looked}: nothing found{silenced}", fg="green")
    counts = ((report.count(severity), severity) for severity in _COLOURS)
    plural = {"error": "errors", "warning": "warnings", "advice": "pieces of advice"}
    single = {"error": "error", "warning": "warning", "advice": "piece of advice"}
    said = ", ".join(f"{count:,} {(single if count == 1 else plural)[severity]}" for count, severity in counts if count)
    return f"{looked}: {said}{silenced}"

"""Workflow commands of GitHub Actions: each finding becomes a note at its line of the change.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from typing import Final

from lint.findings import Finding, Severity
from lint.linter import Report

_COMMANDS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "advice": "notice"}


def github(report: Report) -> str:
    """The report; empty where nothing is found."""
    return "".join(map(_command, report.findings))


def _command(finding: Finding) -> str:
    place = finding.place
    title = f"{finding.code.id}: {finding.code.title}"
    fields = {"file": place.file, "line": str(place.line), "col": str(place.column), "title": title}
    said = ": ".join(part for part in (finding.object, finding.sentence) if part)
    properties = ",".join(f"{name}={_property(value)}" for name, value in fields.items())
    return f"::{_COMMANDS[finding.severity]} {properties}::{_data(f'{said}. {finding.code.mend}')}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

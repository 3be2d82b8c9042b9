"""For programs: one JSON object, whose fields are documented in docs/lint/README.md and stay as they are."""

from typing import Any, Final

import orjson

from lint.findings import SEVERITIES, Finding
from lint.linter import Report

VERSION: Final = 1
"""Goes up when a field goes or changes its meaning; further fields may come without."""


def as_json(report: Report) -> str:
    """The report."""
    summary: dict[str, int] = {severity: report.count(severity) for severity in SEVERITIES}
    summary |= {"silenced": report.silenced, "objects": report.objects, "files": report.files}
    document = {"version": VERSION, "summary": summary, "findings": [_said(each) for each in report.findings]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _said(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.id,
        "title": finding.code.title,
        "severity": finding.severity,
        "file": finding.place.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "object": finding.object or None,
        "path": finding.path,
        "message": finding.message,
        "mend": finding.code.mend,
    }

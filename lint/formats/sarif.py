"""SARIF 2.1.0, which GitHub's code scanning and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from hashlib import blake2b
from typing import Any, Final
from urllib.parse import quote

import orjson

from lint.catalog import CODES
from lint.findings import Code, Finding, Severity
from lint.linter import Report

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "advice": "note"}
_INDEXES: Final = {code: index for index, code in enumerate(CODES)}


def sarif(report: Report) -> str:
    """The report as a log of one run, with every rule, so that a code has its help wherever it is shown."""
    driver = {"name": "dragoman lint", "rules": [_rule(code) for code in CODES.values()]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in report.findings],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.id,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.why},
        "help": {"text": f"{code.why}\n\n{code.mend}"},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
    }


def _result(finding: Finding) -> dict[str, Any]:
    place = finding.place
    physical = {
        "artifactLocation": {"uri": quote(place.file)},
        "region": {"startLine": place.line, "startColumn": place.column},
    }
    logical = [{"fullyQualifiedName": finding.object, "kind": "object"}] if finding.object else []
    location = {"physicalLocation": physical, **({"logicalLocations": logical} if logical else {})}
    said = ": ".join(part for part in (finding.object, finding.sentence) if part)
    return {
        "ruleId": finding.code.id,
        "ruleIndex": _INDEXES[finding.code.id],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{said}. {finding.code.mend}"},
        "locations": [location],
        # What a finding is known by where lines have moved.
        "partialFingerprints": {"dragoman/v1": _fingerprint(finding)},
    }


def _fingerprint(finding: Finding) -> str:
    known = repr((finding.code.id, finding.place.file, finding.object, finding.path, finding.message))
    return blake2b(known.encode(errors="replace"), digest_size=16).hexdigest()

"""Each format is what its readers take: parsed as they parse it, and looked at field by field."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lint.catalog import CODES
from lint.findings import Code, Finding, Place
from lint.formats import FORMATS
from lint.linter import Report
from tests.lint.linting import lint_folder, mapping

EMPTY = Report((), 3, 2, 0, unread=False)
ODD = Report(
    (
        Finding(
            CODES["DRG0204"],
            "error",
            "getambassador.io/Mapping/a/b",
            "spec.weight",
            Place("a b/ü,:%.yaml", 3, 7),
            "must be <1>,\n\x1b[31mnot & 100 %\x00",
        ),
        Finding(CODES["DRG0901"], "warning", "", "", Place(".dragoman-lint.yaml"), "is not found"),
        Finding(
            CODES["DRG0714"], "advice", "getambassador.io/Mapping/a/c", "spec.weight", Place("z.yaml", 2, 2), "alone"
        ),
    ),
    2,
    1,
    4,
    unread=False,
)
"""Signs that each format has to escape in its own way."""


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """One with an error, a warning and advice, of real files."""
    text = mapping("a", "prefix: a/", "service: a", "weight: 50") + mapping(
        "b", "prefix: /b/", "service: b", "weight: 200"
    )
    (tmp_path / "a.yaml").write_text(text)
    found = lint_folder(tmp_path)
    assert [found.count(severity) for severity in ("error", "warning", "advice")] == [1, 1, 1]
    return found


# JSON


def test_json_has_the_fields_of_its_page(report: Report) -> None:
    document = json.loads(FORMATS["json"](report))
    assert document["version"] == 1
    assert document["summary"] == {"error": 1, "warning": 1, "advice": 1, "silenced": 0, "objects": 2, "files": 1}
    page = (Path(__file__).parents[2] / "docs/lint/README.md").read_text()
    for finding in document["findings"]:
        assert list(finding) == [
            *("code", "title", "severity", "file", "line", "column", "object", "path", "message", "mend")
        ]
        assert all(f'"{name}": ' in page for name in finding)
    error = document["findings"][-1]
    assert (error["code"], error["line"], error["column"]) == ("DRG0204", 18, 3)
    assert error["object"] == "getambassador.io/Mapping/default/b"
    assert json.loads(FORMATS["json"](ODD))["findings"][1]["object"] is None


# SARIF


def check(value: object, shape: object, where: str = "") -> None:
    """Strictly: every property is one of the shape's, of its type; those without `?` are there."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        allowed = {name.removesuffix("?"): inner for name, inner in shape.items()}
        assert value.keys() <= allowed.keys(), f"{where}: {value.keys() - allowed.keys()}"
        assert {name for name in shape if not name.endswith("?")} <= value.keys(), where
        for name, item in value.items():
            check(item, allowed[name], f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for index, item in enumerate(value):
            check(item, shape[0], f"{where}[{index}]")
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str), where
        assert shape.fullmatch(value), f"{where}: {value!r}"
    else:
        assert type(value) is shape, where


TEXT = {"text": re.compile(r"(?s).+")}
LEVEL = re.compile("none|note|warning|error")
SARIF = {
    "$schema": re.compile(r"https://docs\.oasis-open\.org/sarif/sarif/v2\.1\.0/.*sarif-schema-2\.1\.0\.json"),
    "version": re.compile(r"2\.1\.0"),
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": str,
                    "rules": [
                        {
                            "id": re.compile(r"DRG\d{4}"),
                            "shortDescription": TEXT,
                            "fullDescription": TEXT,
                            "help": TEXT,
                            "defaultConfiguration": {"level": LEVEL},
                        }
                    ],
                }
            },
            "columnKind": re.compile("unicodeCodePoints"),
            "results": [
                {
                    "ruleId": re.compile(r"DRG\d{4}"),
                    "ruleIndex": int,
                    "level": LEVEL,
                    "message": TEXT,
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": re.compile(r"[A-Za-z0-9._~/%-]+")},
                                "region": {"startLine": int, "startColumn": int},
                            },
                            "logicalLocations?": [{"fullyQualifiedName": str, "kind": str}],
                        }
                    ],
                    "partialFingerprints": {"dragoman/v1": re.compile("[0-9a-f]{32}")},
                }
            ],
        }
    ],
}
"""What of SARIF 2.1.0 (its JSON schema, sections 3.13 to 3.52) is used, and nothing besides."""


@pytest.mark.parametrize("which", ["real", "odd", "empty"])
def test_sarif_is_as_its_schema_has_it(report: Report, which: str) -> None:
    found = {"real": report, "odd": ODD, "empty": EMPTY}[which]
    document = json.loads(FORMATS["sarif"](found))
    check(document, SARIF)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == list(CODES)
    assert len(run["results"]) == len(found.findings)
    for result, finding in zip(run["results"], found.findings, strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == finding.code.id
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) == (finding.place.line, finding.place.column)
        assert min(region.values()) >= 1


def test_sarif_knows_a_finding_again_where_lines_have_moved(tmp_path: Path) -> None:
    def fingerprints(text: str) -> list[str]:
        (tmp_path / "a.yaml").write_text(text)
        document = json.loads(FORMATS["sarif"](lint_folder(tmp_path)))
        return [result["partialFingerprints"]["dragoman/v1"] for result in document["runs"][0]["results"]]

    text = mapping("a", "prefix: a/", "service: a")
    assert fingerprints(text) == fingerprints(f"# moved\n\n{text}")
    assert fingerprints(text) != fingerprints(text.replace("name: a", "name: b"))


# JUnit


@pytest.mark.parametrize("which", ["real", "odd", "empty"])
def test_junit_counts_what_it_has(report: Report, which: str) -> None:
    found = {"real": report, "odd": ODD, "empty": EMPTY}[which]
    root = ET.fromstring(FORMATS["junit"](found))
    suites = root.findall("testsuite")
    assert root.tag == "testsuites"
    assert (
        sum(int(suite.attrib["tests"]) for suite in suites)
        == int(root.attrib["tests"])
        == len(root.findall(".//testcase"))
    )
    failures = root.findall(".//failure")
    assert sum(int(suite.attrib["failures"]) for suite in suites) == int(root.attrib["failures"]) == len(failures)
    assert len(failures) == found.count("error")
    assert len(root.findall(".//testcase")) == max(1, len(found.findings))
    assert all(failure.attrib["type"] in CODES and failure.text for failure in failures)


# GitHub


def decoded(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as GitHub's runner reads it."""
    found = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert found is not None, line

    def plain(text: str) -> str:
        for escape, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(escape, sign)
        return text

    properties = dict(part.split("=", 1) for part in found[2].split(","))
    return found[1], {name: plain(value) for name, value in properties.items()}, plain(found[3])


def test_github_reads_each_command_as_it_is_meant() -> None:
    lines = FORMATS["github"](ODD).splitlines()
    commands = [decoded(line) for line in lines]
    assert [command for command, _, _ in commands] == ["error", "warning", "notice"]
    assert commands[0][1] == {
        "file": "a b/ü,:%.yaml",
        "line": "3",
        "col": "7",
        "title": "DRG0204: value out of bounds",
    }
    assert "must be <1>,\n" in commands[0][2]
    assert FORMATS["github"](EMPTY) == ""


# Text


def test_text_is_one_line_a_finding_and_nothing_that_a_terminal_obeys(report: Report) -> None:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", FORMATS["text"](ODD))
    lines = shown.splitlines()
    assert lines[0].startswith(
        "a b/ü,:%.yaml:3:7: error DRG0204 Mapping/a/b: spec.weight must be <1>,\\n\\u001b[31mnot"
    )
    assert lines[1] == f"    {CODES['DRG0204'].mend}"
    assert lines[-1] == "2 objects in 1 file: 1 error, 1 warning, 1 piece of advice, 4 silenced"
    assert "\x1b[31mnot" not in FORMATS["text"](ODD)
    assert FORMATS["text"](report).count("\n") == 7
    assert "nothing found" in FORMATS["text"](EMPTY)


def test_findings_are_told_by_file_and_line(tmp_path: Path) -> None:
    bad = mapping("NAME", "service: a", "prefix: a/", "nonsense: 1")
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(bad.replace("NAME", name))
    places = [(each.place.file, each.place.line) for each in lint_folder(tmp_path).findings]
    assert places == sorted(places)
    assert len(places) == 4


def test_every_code_can_be_told_in_every_format() -> None:
    def one(code: Code) -> Finding:
        return Finding(code, code.severity, "g/K/ns/n", "spec.x", Place("a.yaml"), "is so")

    everything = Report(tuple(map(one, CODES.values())), 1, 1, 0, unread=False)
    for name, write in FORMATS.items():
        text = write(everything)
        assert all(code in text for code in CODES), name
        assert text.endswith("\n")

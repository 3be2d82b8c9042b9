"""JUnit's XML, which CI systems show as tests: a suite for each file, a failure for each error.

Warnings and advice are cases that pass, with what they say as output. https://github.com/testmoapp/junitxml
"""

from itertools import groupby
from xml.etree import ElementTree as ET  # written, never read

from lint.findings import Finding
from lint.linter import Report
from process.text import escaped


def junit(report: Report) -> str:
    """The report. Where nothing is found there is one suite with one case, since some systems refuse none."""
    errors = report.count("error")
    total = max(1, len(report.findings))
    suites = ET.Element("testsuites", name="dragoman lint", tests=str(total), failures=str(errors), errors="0")
    for file, found in groupby(report.findings, key=lambda finding: finding.place.file):
        _suite(suites, file, list(found))
    if not report.findings:
        suite = ET.SubElement(suites, "testsuite", name="dragoman lint", tests="1", failures="0", errors="0")
        ET.SubElement(suite, "testcase", name="nothing found", classname="dragoman lint")
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _suite(suites: ET.Element, file: str, found: list[Finding]) -> None:
    failures = sum(finding.severity == "error" for finding in found)
    counts = {"tests": str(len(found)), "failures": str(failures), "errors": "0"}
    suite = ET.SubElement(suites, "testsuite", {"name": escaped(file), **counts})
    for finding in found:
        place = finding.place
        where = f"{escaped(file)}:{place.line}:{place.column}"
        said = escaped(finding.sentence)
        name = f"{finding.code.id} {escaped(finding.object)} at {place.line}:{place.column}"
        case = ET.SubElement(suite, "testcase", name=name, classname=escaped(file), file=escaped(file))
        case.set("line", str(place.line))
        text = f"{where}: {finding.severity} {finding.code.id}: {said}\n{finding.code.mend}"
        if finding.severity == "error":
            ET.SubElement(case, "failure", message=said, type=finding.code.id).text = text
        else:
            ET.SubElement(case, "system-out").text = text

"""Codes are stable: each is listed, has a page made of its definition, and YAML that has it."""

import itertools
from pathlib import Path
from typing import get_args

import pytest

from lint.catalog import CODES
from lint.findings import Code
from lint.pages import FOLDER, pages
from lint.problems import JUDGED, code_of, found, of_file
from tests.lint.linting import ids, lint_texts
from translator.decode import Problem, Reason, Sort
from watcher.sources import Sort as FileSort

SHOWN = [code for code in CODES.values() if code.wrong]
ELSEWHERE = {
    "DRG0001": "test_lint_problems.py",
    "DRG0101": "test_lint_reading.py",
    "DRG0602": "test_lint_files.py",
    "DRG0611": "test_lint_certificates.py",
    "DRG0612": "test_lint_certificates.py",
    "DRG0613": "test_lint_certificates.py",
}
"""Codes that no single file of YAML can show, and where they are tested."""


def test_every_code_is_the_one_that_it_was() -> None:
    """Who silences a code, or counts it, reads this list: change no line of it."""
    listed = (Path(__file__).parent / "codes.txt").read_text().splitlines()
    assert [f"{code.id} {code.title}" for code in CODES.values()] == listed


def test_every_code_has_its_page() -> None:
    made = pages((FOLDER / "README.md").read_text())
    present = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    assert present.keys() == made.keys(), "make lintdocs"
    assert [name for name in made if made[name] != present[name]] == [], "make lintdocs"


@pytest.mark.parametrize("code", SHOWN, ids=lambda code: code.id)
def test_what_a_page_shows_has_the_code_and_mended_has_not(code: Code) -> None:
    wrong, right = lint_texts(code.wrong), lint_texts(code.right)
    assert code.id in ids(wrong)
    assert code.id not in ids(right)
    assert [finding.sentence for finding in right if finding.severity == "error"] == []


def test_codes_without_yaml_of_their_own_are_tested_elsewhere() -> None:
    assert CODES.keys() - {code.id for code in SHOWN} == ELSEWHERE.keys()
    for code, name in ELSEWHERE.items():
        assert f'"{code}"' in (Path(__file__).parent / name).read_text()


def test_every_problem_has_a_code_whatever_it_says() -> None:
    """By its reason, its sort, its kind and its field, and never by its words."""
    keys = [f"getambassador.io/{kind}/default/a" for kind in ("Mapping", "Host", "Listener", "Module", "TCPMapping")]
    keys += ["core/Secret/default/a", "core/Service/default/a", "networking.k8s.io/Ingress/default/a"]
    for reason, sort, key, stops in itertools.product(get_args(Reason), get_args(Sort), keys, (True, False)):
        for path in ("spec.weight", "spec.hostname", "", "spec.rules[0].http.paths[1]"):
            one = Problem(path, "one", stops, reason, sort=sort)
            other = Problem(path, "other", stops, reason, sort=sort)
            assert code_of(key, one) is code_of(key, other)
            assert code_of(key, one).id in CODES
    assert {of_file(sort).id for sort in get_args(FileSort)} <= CODES.keys()


def test_a_problem_that_stops_is_an_error_and_another_one_is_not() -> None:
    key = "getambassador.io/Mapping/default/a"
    for reason, sort in itertools.product(get_args(Reason), get_args(Sort)):
        stopping = found(key, Problem("spec.x", "no", reason=reason, sort=sort))
        passing = found(key, Problem("spec.x", "no", stops=False, reason=reason, sort=sort))
        assert (stopping.severity == "error") == (stopping.code.id in JUDGED)
        assert passing.severity in ("warning", "advice")

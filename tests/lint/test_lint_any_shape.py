"""Anything anywhere: a report all the same, with a place in a file for each finding, and no failure of ours."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crds.definitions import spec_schema
from crds.kinds import SERVED, Served
from lint import linter
from lint.formats import FORMATS
from lint.rules import Rule, shadowed
from lint.schemas import check_of, refusals
from tests.lint.linting import ids, lint_folder, lint_texts, mapping
from tests.support.shapes import bystanders, family, misshapen

ALL = sorted(family())


@given(data=st.data(), kind=st.sampled_from(ALL), ending=st.sampled_from(["json", "yaml"]))
@settings(max_examples=60)
def test_anything_anywhere_is_told_with_its_place(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str, ending: str
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    document, _ = data.draw(misshapen(kind))
    others = [each for name, each in family().items() if name != kind] + bystanders()
    (folder / f"odd.{ending}").write_text(json.dumps(document, indent=1))
    (folder / "by.yaml").write_text("\n---\n".join(map(json.dumps, others)))
    report = lint_folder(folder)
    assert "DRG0001" not in ids(list(report.findings))
    for finding in report.findings:
        path = Path(finding.place.file)
        assert path.parent.resolve() == folder.resolve()
        assert 1 <= finding.place.line <= path.read_text().count("\n") + 1
        assert finding.place.column >= 1
        assert finding.message
    for write in FORMATS.values():
        assert write(report)


@given(data=st.data(), kind=st.sampled_from([kind for kind in SERVED if kind.name in ALL]))
def test_what_the_schema_takes_is_known_at_once(data: st.DataObject, kind: Served) -> None:
    schema = spec_schema(kind)
    spec = data.draw(misshapen(kind.name))[0].get("spec")
    check = check_of(schema)
    assert check(family()[kind.name]["spec"]), "else it is no use"
    assert not check(spec) or not any(refusals(spec, schema, ""))


def test_a_rule_that_fails_is_told_and_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Rule((shadowed.SHADOWED,), lambda _: [1 // 0])  # type: ignore[list-item]
    monkeypatch.setattr(linter, "RULES", (broken, *linter.RULES))
    found = lint_texts(mapping("a", "prefix: a/", "service: a", "weight: 50"))
    assert ids(found) == ["DRG0001", "DRG0703", "DRG0714"]
    assert "ZeroDivisionError" in found[0].message

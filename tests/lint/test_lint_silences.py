"""Silences: they take what they say, need a reason, and are told when they take nothing."""

from pathlib import Path

import pytest

from lint.catalog import CODES
from lint.silences import SilencesError, file_for, of_file
from tests.lint.linting import ids, lint_folder, lint_texts, mapping

WRONG = ("prefix: quote/", "service: quote")


def test_a_comment_before_a_document_is_about_all_of_it_and_no_other() -> None:
    text = (
        "# dragoman: ignore DRG0703, DRG0201 old clients\n" + mapping("a", *WRONG, "nonsense: 1") + mapping("b", *WRONG)
    )
    found = lint_texts(text)
    assert ids(found) == ["DRG0703"]
    assert found[0].object.endswith("/b")


def test_a_comment_between_documents_is_about_the_next_one() -> None:
    text = mapping("a", "prefix: /a/", "service: a") + mapping("b", *WRONG).replace(
        "---\n", "---\n# dragoman: ignore DRG0703 old clients\n"
    )
    assert ids(lint_texts(text)) == []


def test_a_comment_behind_a_field_is_about_that_field() -> None:
    silent = mapping("a", "prefix: quote/  # dragoman: ignore DRG0703 old clients", "service: quote", "nonsense: 1")
    assert ids(lint_texts(silent)) == ["DRG0201"]
    elsewhere = mapping("a", "prefix: quote/", "service: quote  # dragoman: ignore DRG0703 old clients")
    assert ids(lint_texts(elsewhere)) == ["DRG0703", "DRG0901"]


def test_a_comment_above_a_field_is_about_all_that_is_in_it() -> None:
    lines = ("# dragoman: ignore DRG0201 not yet", "retry_policy:", "  retry_on: 5xx", "  nonsense: 1", "other: 1")
    found = lint_texts(mapping("a", "prefix: /a/", "service: a", *lines))
    assert [(finding.code.id, finding.path) for finding in found] == [("DRG0201", "spec.other")]


def test_a_comment_above_an_item_of_a_list_is_about_the_item() -> None:
    items = "".join(
        f"{comment}- {{apiVersion: getambassador.io/v3alpha1, kind: Mapping, metadata: {{name: {name}}},\n"
        f'   spec: {{hostname: "*", prefix: {name}/, service: a}}}}\n'
        for name, comment in (("a", "# dragoman: ignore DRG0703 old clients\n"), ("b", ""))
    )
    found = lint_texts(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert [finding.object.rpartition("/")[2] for finding in found] == ["b"]


@pytest.mark.parametrize("style", ["|", ">", '"'])
def test_what_only_looks_like_a_comment_silences_nobody(style: str) -> None:
    text = "# dragoman: ignore DRG0703 no comment"
    value = f'"\n    {text}"' if style == '"' else f"{style}\n    {text}"
    found = lint_texts(mapping("a", *WRONG, f"docs: {value}"))
    assert "DRG0703" in ids(found)
    assert "DRG0901" not in ids(found)


def test_a_comment_below_a_block_text_is_one() -> None:
    text = mapping("a", "docs: |", "  a", "# dragoman: ignore DRG0703 old clients", *WRONG)
    assert "DRG0703" not in ids(lint_texts(text))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "names no code"),
        ("DRG0703", "gives no reason"),
        ("DRG9999 because", "which is no code"),
        ("all of it", "no code"),
    ],
)
def test_a_comment_that_cannot_be_understood_is_told(said: str, why: str) -> None:
    found = lint_texts(mapping("a", f"prefix: quote/  # dragoman: ignore {said}", "service: quote"))
    assert ids(found) == ["DRG0703", "DRG0902"]
    assert why in found[1].message


def test_an_unused_code_among_several_is_told_where_it_stands() -> None:
    found = lint_texts(mapping("a", "prefix: quote/  # dragoman: ignore DRG0703,DRG0201 old", "service: a"))
    assert [(each.code.id, each.place.line, each.place.column) for each in found] == [("DRG0901", 7, 19)]
    assert "DRG0201" in found[0].message


# The file of silences


def folder_with(folder: Path, silences: str) -> Path:
    (folder / ".dragoman-lint.yaml").write_text(silences)
    for team in ("a", "b"):
        (folder / f"k8s/team-{team}/deep").mkdir(parents=True)
        (folder / f"k8s/team-{team}/deep/m.yaml").write_text(
            mapping(team, f"prefix: {team}/", "service: a", namespace=team)
        )
    return folder


def test_a_file_silences_codes_for_paths(tmp_path: Path) -> None:
    entry = "silence:\n  - codes: [DRG0703]\n    paths: ['k8s/team-a/**']\n    reason: old clients\n"
    folder = folder_with(tmp_path, entry)
    report = lint_folder(folder)
    assert [finding.object for finding in report.findings] == ["getambassador.io/Mapping/b/b"]
    assert report.silenced == 1


def test_a_file_above_counts_and_without_paths_everywhere(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "silence:\n- {codes: [DRG0703], reason: old clients}\n")
    assert lint_folder(folder / "k8s").findings == ()
    assert file_for([folder / "k8s/team-a"]) == folder / ".dragoman-lint.yaml"


def test_an_entry_that_silences_nothing_is_told_when_all_is_looked_at(tmp_path: Path) -> None:
    entry = "silence:\n- {codes: [DRG0703], reason: old}\n- {codes: [DRG0201], reason: new}\n"
    folder = folder_with(tmp_path, entry)
    (finding,) = lint_folder(folder).findings
    assert (finding.code.id, finding.place.line) == ("DRG0901", 3)
    assert finding.place.file.endswith(".dragoman-lint.yaml")
    assert lint_folder(folder / "k8s/team-a").findings == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("silence: {}", "must have one key, silence"),
        ("other: []", "must have one key, silence"),
        ("silence:\n- {codes: DRG0703, reason: a}", "codes must be a list"),
        ("silence:\n- {codes: [DRG9999], reason: a}", "which is no code"),
        ("silence:\n- {codes: [DRG0703]}", "reason must say why"),
        ("silence:\n- {codes: [DRG0703], reason: ' '}", "reason must say why"),
        ("silence:\n- {codes: [DRG0703], reason: a, paths: x}", "paths must be a list"),
        ("silence:\n- {codes: [DRG0703], reason: a, path: [x]}", "and nothing else"),
        ("silence: [", "cannot be read"),
        ("silence:\n- 7", "must be a mapping"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / ".dragoman-lint.yaml"
    path.write_text(text)
    with pytest.raises(SilencesError, match=why):
        of_file(path, CODES, [tmp_path])


def test_an_empty_file_silences_nothing(tmp_path: Path) -> None:
    (tmp_path / ".dragoman-lint.yaml").write_text("# later\n")
    assert of_file(tmp_path / ".dragoman-lint.yaml", CODES, [tmp_path]) == []

"""Several folders and files are one configuration; what cannot be read is told, and makes the exit code 2."""

import os
from pathlib import Path

import pytest

from tests.lint.linting import ids, lint_folder, mapping

ONE, OTHER = mapping("a", "prefix: /a/", "service: a"), mapping("b", "prefix: b/", "service: b")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_two_folders_are_one_configuration(tmp_path: Path) -> None:
    """The Mapping of one is served by the Host of the other, and what both have is told at the second by name."""
    host = "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: h}\n"
    host += "spec: {hostname: a.example.com, requestPolicy: {insecure: {action: Route}}}\n"
    first, second = tmp_path / "x/one", tmp_path / "y/two"
    write(first / "h.yaml", host)
    write(second / "m.yaml", mapping("m", "prefix: /m/", "service: a", hostname="a.example.com"))
    write(second / "h.yaml", f"# again\n{host}")
    report = lint_folder(tmp_path, first, second)
    (finding,) = report.findings
    assert (finding.code.id, finding.place.line) == ("DRG0104", 4)
    assert finding.place.file.endswith("two/h.yaml")
    assert (report.objects, report.files) == (2, 3)


def test_a_file_is_read_alone(tmp_path: Path) -> None:
    write(tmp_path / "other.yaml", OTHER)
    one = write(tmp_path / "one.yaml", ONE)
    assert lint_folder(tmp_path, one).objects == 1


def test_a_path_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    one = write(tmp_path / "k8s/one.yaml", ONE)
    report = lint_folder(tmp_path, one, tmp_path / "k8s", one)
    assert (report.findings, report.objects, report.files) == ((), 1, 1)


def test_a_folder_in_another_and_a_file_beside(tmp_path: Path) -> None:
    write(tmp_path / "k8s/deep/one.yaml", ONE)
    beside = write(tmp_path / "beside/b.yaml", OTHER)
    report = lint_folder(tmp_path, tmp_path / "k8s", tmp_path / "k8s/deep", beside)
    assert report.objects == 2
    assert ids(list(report.findings)) == ["DRG0703"]


def test_a_link_that_leads_out_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "secret/b.yaml", OTHER)
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/b.yaml").symlink_to(tmp_path / "secret/b.yaml")
    report = lint_folder(tmp_path, tmp_path / "k8s")
    assert ids(list(report.findings)) == ["DRG0101"]
    assert report.unread


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    report = lint_folder(tmp_path)
    assert ids(list(report.findings)) == ["DRG0101"]
    assert report.unread


def test_a_syntax_error_is_an_error_and_no_unread_file(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "a: [\n")
    assert not lint_folder(tmp_path).unread


def test_bounds_are_the_gateways(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", ONE + "# " + "x" * (2 << 20))
    report = lint_folder(tmp_path, DRAGOMAN_CONFIG_FILE_MIB="1")
    assert ids(list(report.findings)) == ["DRG0105"]
    assert lint_folder(tmp_path).findings == ()


@pytest.mark.parametrize("name", [".hidden.yaml", "a.txt"])
def test_what_the_gateway_does_not_read_is_not_linted(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, OTHER)
    assert lint_folder(tmp_path).objects == 0

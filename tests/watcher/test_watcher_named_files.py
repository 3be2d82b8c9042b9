"""Files that objects name: when another content is believed, and what is never read."""

import base64
import os
from pathlib import Path

import orjson
import pytest

from process.settings import Settings
from snapshot import Record
from watcher.named_files import (
    ABSENCE,
    MOST_BYTES,
    MOST_OF_TEXT,
    SETTLED,
    FileSet,
    Guard,
    NamedFiles,
    file_set,
    read_set,
)

KEY = "file/Pem/x"


def pair_in(folder: Path) -> FileSet:
    return FileSet("Pem", (str(folder / "a"), str(folder / "b")), frozenset())


def text_in(folder: Path) -> FileSet:
    return FileSet("Text", (str(folder / "a"),), frozenset())


def guard_of(folder: Path) -> Guard:
    return Guard((str(folder / "closed"),), (str(folder / "texts"),))


def pem(text: str) -> bytes:
    """What begins as PEM does."""
    return f"-----BEGIN {text}".encode()


def said(record: Record | None) -> tuple[dict[str, bytes], dict[str, str]]:
    """What was read, and the troubles, by the names of the files."""
    assert record is not None
    body = orjson.loads(record.body)
    data = {Path(path).name: base64.b64decode(text) for path, text in body["data"].items()}
    return data, {Path(path).name: trouble for path, trouble in body["troubles"].items()}


class Looking:
    """Files that are looked at, on a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.named = NamedFiles(guard_of(folder))
        self.named.want(KEY, pair_in(folder))

    def after(self, seconds: float) -> Record | None:
        self.now += seconds
        return self.named.look(self.now).get(KEY)


def test_what_is_wanted_is_told_at_once_be_it_that_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pem("1"))
    looking = Looking(tmp_path)
    assert said(looking.after(0)) == ({"a": pem("1")}, {"b": "does not exist"})
    assert looking.after(60) is None


def test_two_files_that_are_replaced_one_after_the_other_are_told_together(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(pem("1"))
    b.write_bytes(pem("1"))
    looking = Looking(tmp_path)
    assert said(looking.after(0)) == ({"a": pem("1"), "b": pem("1")}, {})
    a.write_bytes(pem("12"))
    assert looking.after(1) is None
    b.write_bytes(pem("12"))
    assert looking.after(SETTLED - 0.1) is None
    assert looking.after(SETTLED - 0.1) is None
    assert said(looking.after(0.2)) == ({"a": pem("12"), "b": pem("12")}, {})
    assert looking.after(60) is None


def test_one_that_is_removed_and_written_again_was_never_gone(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(pem("1"))
    b.write_bytes(pem("1"))
    looking = Looking(tmp_path)
    looking.after(0)
    b.unlink()
    assert looking.after(0) is None
    assert looking.after(ABSENCE - 0.1) is None
    b.write_bytes(pem("2"))
    assert looking.after(0) is None
    assert said(looking.after(SETTLED)) == ({"a": pem("1"), "b": pem("2")}, {})
    b.unlink()
    assert looking.after(0) is None
    assert said(looking.after(ABSENCE)) == ({"a": pem("1")}, {"b": "does not exist"})


def test_a_link_that_is_swapped_at_any_place_of_the_path_is_another_content(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").write_bytes(pem(name))
    (tmp_path / "link").symlink_to("one")
    for name in "ab":
        (tmp_path / name).symlink_to("link/deep/file")
    looking = Looking(tmp_path)
    assert said(looking.after(0))[0]["a"] == pem("one")
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(tmp_path / "link")
    assert looking.after(0) is None
    assert said(looking.after(SETTLED))[0] == {"a": pem("two"), "b": pem("two")}


def test_what_nobody_wants_any_more_is_looked_at_no_more(tmp_path: Path) -> None:
    looking = Looking(tmp_path)
    looking.named.forget([KEY])
    assert looking.after(0) is None
    assert len(looking.named) == 0


def test_what_could_not_be_kept_is_read_again(tmp_path: Path) -> None:
    looking = Looking(tmp_path)
    assert looking.after(0) is not None
    looking.named.read_again([KEY])
    assert looking.after(0) is not None


def test_an_optional_file_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pem("1"))
    files = FileSet("Istio", (str(tmp_path / "a"), str(tmp_path / "b")), frozenset([str(tmp_path / "b")]))
    assert said(read_set(files, guard_of(tmp_path))) == ({"a": pem("1")}, {})


def test_a_record_of_the_translators_is_understood() -> None:
    body = orjson.dumps({"sort": "Istio", "paths": ["/a", "/b"], "optional": ["/b"]})
    assert file_set(Record("1", body)) == FileSet("Istio", ("/a", "/b"), frozenset(["/b"]))


# What is never read


def trouble(files: FileSet, guard: Guard) -> str:
    data, troubles = said(read_set(files, guard))
    assert data == {}
    return troubles["a"]


@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/null", "/sys/kernel/profiling", "/dev/../proc/self/mem"])
def test_nothing_of_the_system(tmp_path: Path, path: str) -> None:
    settings = Settings(run_dir=tmp_path / "run", config_dir=tmp_path)
    (tmp_path / "a").symlink_to(path)
    for files in (FileSet("Pem", (str(tmp_path / "a"),), frozenset()), text_in(tmp_path)):
        assert trouble(files, Guard.of(settings)).startswith("is where the system, or the pod, keeps what is its own")


def test_nothing_of_the_pods_own_and_of_the_run_directory(tmp_path: Path) -> None:
    guard = Guard.of(Settings(run_dir=tmp_path, config_dir=None))
    for folder in (*guard.closed, "/var/run/secrets/kubernetes.io/serviceaccount"):
        assert guard.refusal(f"{folder}/token", FileSet("Pem", (), frozenset()))
    assert str(tmp_path) in guard.closed
    assert guard.refusal("/run/secrets-of-mine/a", FileSet("Pem", (), frozenset())) is None


def test_no_pipe_folder_or_loop_and_nobody_waits_for_one(tmp_path: Path) -> None:
    files = FileSet("Pem", (str(tmp_path / "a"),), frozenset())
    os.mkfifo(tmp_path / "a")
    assert trouble(files, guard_of(tmp_path)) == "is no file"
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("a")
    assert trouble(files, guard_of(tmp_path)) == "cannot be read: Too many levels of symbolic links"
    (tmp_path / "a").unlink()
    (tmp_path / "a").mkdir()
    assert trouble(files, guard_of(tmp_path)) == "is no file"


@pytest.mark.parametrize(("sort", "most"), [("Pem", MOST_BYTES), ("Text", MOST_OF_TEXT)])
def test_no_more_than_is_of_use(tmp_path: Path, sort: str, most: int) -> None:
    path, guard = tmp_path / "a", Guard((), (str(tmp_path),))
    files = FileSet(sort, (str(path),), frozenset())
    path.write_bytes(pem("") + b"a" * (most - len(pem(""))))
    assert len(said(read_set(files, guard))[0]["a"]) == most
    path.write_bytes(pem("") + b"a" * most)
    assert trouble(files, guard) == f"is larger than {most >> 10} KiB"
    path.write_bytes(b"")
    assert trouble(files, guard) == "is empty"


def test_what_is_no_pem_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("top secret")
    assert trouble(FileSet("Pem", (str(tmp_path / "a"),), frozenset()), Guard((), ())) == "holds nothing in PEM"


def test_all_files_together_have_a_bound_and_who_was_refused_is_read_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.named_files.MOST_TOGETHER", 3 << 20)
    (tmp_path / "a").write_bytes(pem("") + b"a" * (1 << 19))
    named = NamedFiles(guard_of(tmp_path))
    spelled = [f"{tmp_path}/{'./' * number}a" for number in range(6)]  # each about 700 KB as it is kept
    for path in spelled:
        named.want(path, FileSet("Pem", (path,), frozenset()))
    found = named.look(0)
    refused = [path for path in spelled if orjson.loads(found[path].body)["troubles"]]
    assert refused == spelled[4:]
    assert "more than 3 MiB together" in said(found[refused[0]])[1]["a"]
    assert named.look(1) == {}
    named.forget([spelled[0]])
    again = named.look(2)
    assert [path for path in again if not orjson.loads(again[path].body)["troubles"]] == [refused[0]]


def test_clients_are_shown_nothing_but_what_is_in_a_folder_for_them(tmp_path: Path) -> None:
    texts, guard = tmp_path / "texts", guard_of(tmp_path)
    texts.mkdir()
    (texts / "page").write_text("a page")
    (texts / "tls.key").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    (texts / "secret.yaml").write_text("kind: Secret")
    (tmp_path / "outside").write_text("outside")

    def of(target: str) -> tuple[dict[str, bytes], dict[str, str]]:
        (tmp_path / "a").unlink(missing_ok=True)
        (tmp_path / "a").symlink_to(target)
        return said(read_set(text_in(tmp_path), guard))

    assert of("texts/page") == ({"a": b"a page"}, {})
    assert of("texts/tls.key")[1]["a"].startswith("holds a private key")
    assert of("texts/secret.yaml")[1]["a"].startswith("may hold objects")
    assert of("texts/../outside")[1]["a"].startswith("is in none of the folders with texts")

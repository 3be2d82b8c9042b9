"""Files that people and programs leave in folders, each odd in its own way: at most just past our limits."""

import gzip
import os
import socket
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from tests.watcher.running_watcher import mapping, text
from watcher.limits import MAX_DEPTH, MIB

HEAD: Final = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: NAME}\n"
"""A Mapping without its spec."""


class Odd(NamedTuple):
    """How it is made, at a path without its ending; what is told of it, or None when nothing is; and its ending."""

    make: Callable[[Path], object]
    told: str | None
    ending: str = ".yaml"


def of(content: str | bytes, told: str | None, ending: str = ".yaml") -> Odd:
    """A file of this content, in which NAME is the file's name."""

    def make(path: Path) -> None:
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data.replace(b"NAME", path.stem.encode()))

    return Odd(make, told, ending)


def _spec(value: str) -> str:
    return f"{HEAD}spec: {value}\n"


def _bomb(levels: int) -> str:
    """Aliases of aliases: some hundred bytes that would be nine to the power of `levels` items."""
    names = [f"a{number}" for number in range(levels)]
    lines = ["  a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"  {b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
    return f"{HEAD}spec:\n" + "\n".join(lines) + "\n"


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _outside(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _grown(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(64 * MIB)


def _beside(path: Path) -> None:
    """A file outside of the folder, and a link to it."""
    outside = path.parent.parent / f"outside-{path.name}"
    outside.write_text(text(mapping("outside")))
    path.symlink_to(f"../{outside.name}")


def _two_ways(path: Path) -> None:
    """A link to a link that leads outside."""
    path.with_suffix(".link").symlink_to("/etc/passwd")
    path.symlink_to(path.with_suffix(".link").name)


_MANY_DOCUMENTS: Final = "--- {}\n" * (8 * MIB // 512 + 2)
_NOT_YAML: Final = "it is not YAML"
_NO_OBJECT: Final = "not an object with apiVersion, kind and metadata"

KINDS: Final[dict[str, Odd]] = {
    # What is no YAML
    "unclosed": of("a: [", _NOT_YAML),
    "unquoted": of('a: "b', _NOT_YAML),
    "tabs": of("a:\n\tb: 1\n", _NOT_YAML),
    "colons": of("a: b: c\n", _NOT_YAML),
    "nul": of(b"a: \0\n", _NOT_YAML),
    "latin1": of("a: é\n".encode("latin-1"), _NOT_YAML),
    "cut-utf8": of("a: é".encode()[:-1], _NOT_YAML),
    "utf16-without-mark": of("a: 1\n".encode("utf-16-le"), _NOT_YAML),
    "half-utf16": of(b"\xff\xfe\x00", _NOT_YAML),
    "control": of(b"a: \x07\n", _NOT_YAML),
    "gzip": of(gzip.compress(b"kind: Mapping"), _NOT_YAML),
    "elf": of(b"\x7fELF" + bytes(60), _NOT_YAML),
    "percent": of("%", _NOT_YAML),
    "directives": of("".join(f"%TAG !t{n}! tag:x,2026:{n}\n" for n in range(17)) + "---\na: 1\n", "begin with %"),
    "conflict": of(f"<<<<<<< HEAD\n{HEAD}=======\n{HEAD}>>>>>>> other\n", _NOT_YAML),
    "template": of(_spec("{prefix: {{ .Values.prefix }}}"), "a key is not text"),
    "anchor-alone": of("a: *nobody\n", "refers to nothing that is complete"),
    "anchor-in-itself": of("a: &a [*a]\n", "refers to nothing that is complete"),
    "yaml-2": of("%YAML 2.0\n---\na: 1\n", _NOT_YAML),
    # YAML that is no JSON
    "binary": of(_spec("!!binary aGk="), "has no JSON form"),
    "python": of(_spec("!!python/object:os.system {}"), "does not fit what follows"),
    "set": of(_spec("!!set {a: }"), "does not fit what follows"),
    "infinite": of(_spec("{weight: .inf}"), "is a number that JSON does not have"),
    "huge-number": of(_spec("{weight: 99999999999999999999999}"), "spec.weight is a number of 77 bits"),
    "norway": of(f"{HEAD}spec: {{no: 1}}\n", "is read as a boolean"),
    "number-key": of(f"{HEAD}spec: {{80: 1}}\n", "is read as a number"),
    "list-key": of("? [a]\n: 1\n", "a key is not text"),
    "null-key": of("? \n: 1\n", "is read as null"),
    "twice": of("a: 1\na: 2\n", "occurs twice in one mapping"),
    "merge-of-text": of("<<: text\n", "a merge key"),
    "merge-of-list": of("<<: [[1]]\n", "a merge key"),
    # What is no object
    "scalar": of("just text\n", _NO_OBJECT),
    "number": of("42\n", _NO_OBJECT),
    "list": of("- a\n- b\n", _NO_OBJECT),
    "null": of("null\n", None),
    "empty": of("", None),
    "blank": of(" \n\n  \n", None),
    "comment": of("# later\n", None),
    "borders": of("---\n---\n...\n---\n", None),
    "mark": of(b"\xef\xbb\xbf", None),
    "no-metadata": of("apiVersion: v1\nkind: Secret\n", "metadata is missing"),
    "metadata-list": of("apiVersion: v1\nkind: Secret\nmetadata: [1]\n", "metadata is a list"),
    "name-number": of("apiVersion: v1\nkind: Secret\nmetadata: {name: 5}\n", "metadata.name is the number 5"),
    "name-slash": of("apiVersion: v1\nkind: Secret\nmetadata: {name: a/b}\n", "metadata.name cannot be"),
    "kind-list": of("apiVersion: v1\nkind: [Secret]\nmetadata: {name: a}\n", "kind is a list"),
    "long-name": of(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {'n' * 300}}}\n", "metadata.name cannot be"),
    "list-of-lists": of(f"kind: List\napiVersion: v1\nitems: {'[' * 20}1{']' * 20}\n", _NO_OBJECT),
    "annotations-text": of(f"{HEAD.replace('NAME', 'NAME, annotations: text')}spec: {{prefix: /x/}}\n", None),
    "spec-text": of(_spec("text"), None),
    "listener-port-text": of(_spec("{port: http}").replace("Mapping", "Listener"), None),
    "listener-port-yes": of(_spec("{port: yes}").replace("Mapping", "Listener"), None),
    "demo-nowhere": of(
        f"{HEAD.replace('NAME', 'NAME, annotations: {dragoman-demo-upstream: nowhere}')}spec: {{prefix: /x/}}\n", None
    ),
    "id-of-lists": of(_spec("{prefix: /x/, ambassador_id: [[1], {a: b}]}"), None),
    # JSON
    "cut": of('{"kind": ', "it is not JSON", ".json"),
    "json-twice": of('{"a": 1, "a": 2}', "occurs twice in one mapping", ".json"),
    "json-nan": of('{"a": NaN}', "is a number that JSON does not have", ".json"),
    "json-latin1": of(b'{"a": "\xe9"}', "it is not UTF-8", ".json"),
    "json-lone-surrogate": of(
        '{"kind": "X", "apiVersion": "v1", "metadata": {"name": "\\ud800"}}', "metadata.name cannot be", ".json"
    ),
    "json-long-number": of(f'{{"a": {"9" * 5000}}}', "Exceeds the limit", ".json"),
    "json-empty": of("", "it is not JSON", ".json"),
    "json-deep": of("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested more than 100 deep", ".json"),
    "json-many": of("[" + "[]," * (MIB // 2) + "[]]", "more than 524288 values", ".json"),
    # Too much
    "deep": of("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested more than 100 deep"),
    "deep-blocks": of("".join(f"{' ' * level}a:\n" for level in range(MAX_DEPTH + 1)), "nested more than 100 deep"),
    "deep-aliases": of(
        f"a: &a {'[' * 60}{']' * 60}\nb: {'[' * 60}*a{']' * 60}\n", "with its aliases written out it is nested"
    ),
    "bomb": of(_bomb(9), "aliases of this file add more than 1 MiB"),
    "merge-bomb": of(
        "a: &a {" + ", ".join(f"k{n}: v" for n in range(100)) + "}\nb:\n" + "- {<<: *a}\n" * 2000,
        "aliases of this file add more than 1 MiB",
    ),
    "bombs": of(
        "---\n".join(_bomb(4).replace("NAME", f"bomb-{number}") for number in range(70)),
        "aliases of this file add more than 1 MiB to it; this document is one too many",
    ),
    "values": of("[" + "a," * (MIB // 2 + 1) + "]", "more than 524288 values"),
    "documents": of(_MANY_DOCUMENTS, "more than 16384 documents"),
    "documents-in-one": of(_MANY_DOCUMENTS + "...\n", "more than 16384 documents"),
    "items": of("kind: List\napiVersion: v1\nitems:\n" + "- 1\n" * 100_000, "and 99981 more problems"),
    "large": of("#" * (8 * MIB + 1), "larger than 8 MiB"),
    "sparse": Odd(_grown, "larger than 8 MiB"),
    "large-object": of(_spec(f"{{prefix: /x/, text: {'x' * (3 * MIB // 2)}}}"), "larger than 1.5 MiB as JSON"),
    "long-key": of(f"{'k' * MIB}: 1\n{'k' * MIB}: 2\n", "occurs twice|not YAML"),
    "faults": of("---\n1\n" * 1000, "and 981 more problems"),
    # What is no file, or not here
    "pipe": Odd(os.mkfifo, "it is a pipe, not a file"),
    "socket": Odd(_socket, "it is a socket, not a file"),
    "loop": Odd(lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    "dangling": Odd(_outside("nowhere"), None),
    "out-file": Odd(_outside("/etc/passwd"), "a link that leads out of the folder, to /etc/passwd"),
    "out-null": Odd(_outside("/dev/null"), "leads out of the folder, to /dev/null"),
    "out-zero": Odd(_outside("/dev/zero"), "leads out of the folder, to /dev/zero"),
    "out-root": Odd(_outside("/"), "leads out of the folder, to /:", ""),
    "out-proc": Odd(_outside("/proc/sys/kernel"), "leads out of the folder, to /proc/sys/kernel", ""),
    "out-root-yaml": Odd(_outside("/"), "leads out of the folder, to /:"),
    "out-up": Odd(_outside("../.."), "leads out of the folder", ""),
    "out-beside": Odd(_beside, "leads out of the folder"),
    "out-in-two": Odd(_two_ways, "leads out of the folder, to /etc/passwd"),
    "in-absolute": Odd(lambda path: path.symlink_to(path.parent / "good.txt"), None),
    "folder-of-that-name": Odd(lambda path: path.mkdir(), None),
    "loop-of-folders": Odd(lambda path: path.symlink_to("."), None, ""),
    "hidden-by-dot": Odd(lambda path: path.with_name(".x.yaml").write_text("a: ["), None),
}


def name_of(kind: str) -> str:
    """The name of the file of a kind."""
    return f"{kind}{KINDS[kind].ending}"


def fill(folder: Path) -> None:
    """One file of each kind."""
    for kind, odd in KINDS.items():
        odd.make(folder / name_of(kind))
    (folder / "good.txt").write_text(text(mapping("linked")))
    Path(os.fsdecode(os.fsencode(folder / "name-") + b"\xff.yaml")).write_text(text(mapping("x")))

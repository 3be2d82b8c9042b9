"""A folder made of texts, linted as the command does it, without the command."""

import datetime as dt
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lint.catalog import CODES
from lint.findings import Finding
from lint.linter import Report, lint
from lint.reading import read
from lint.silences import file_for, of_file
from process.settings import Settings
from translator.files.names import Files
from translator.settings import Machine, options_of
from watcher.limits import Limits
from watcher.named_files import FileSet, Guard, read_set

NOW = dt.datetime.now(dt.UTC)


def lint_folder(folder: Path, *paths: Path, now: dt.datetime = NOW, **environment: str) -> Report:
    """The report on a folder, or on some paths in it."""
    given = {"DRAGOMAN_DEFAULT_PORTS": "8080,8443", "DRAGOMAN_CONFIG_DIR": str(folder), **environment}
    settings = Settings.from_environment(given)
    linted = paths or (folder,)
    chosen, guard = file_for(linted), Guard.of(settings)

    def read_files(files: Files) -> bytes:
        return read_set(FileSet(files.sort, files.paths, frozenset(files.optional)), guard).body

    silences = of_file(chosen, CODES, linted) if chosen else []
    found = read(linted, settings.namespace, Limits.of(settings))
    return lint(found, options_of(settings, Machine()), read_files, now, {}, silences)


def lint_texts(texts: Mapping[str, str] | str, now: dt.datetime = NOW, **environment: str) -> list[Finding]:
    """What is found in files of these texts; one text is that of `a.yaml`. Places are relative to their folder."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        for name, text in ({"a.yaml": texts} if isinstance(texts, str) else texts).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return list(lint_folder(folder, now=now, **environment).findings)


def ids(findings: list[Finding]) -> list[str]:
    """The codes, in the order in which they are told."""
    return [finding.code.id for finding in findings]


def places(findings: list[Finding], code: str) -> list[tuple[int, int]]:
    """The lines and columns of a code's findings."""
    return [(each.place.line, each.place.column) for each in findings if each.code.id == code]


def mapping(name: str, *lines: str, namespace: str = "default", hostname: str = '"*"') -> str:
    """A Mapping, a field a line; it begins with the mark between documents."""
    spec = "".join(f"  {line}\n" for line in (f"hostname: {hostname}", *lines))
    head = (
        f"---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: {name}, namespace: {namespace}}}"
    )
    return f"{head}\nspec:\n{spec}"


def an_object(kind: str, name: str, spec: str) -> str:
    """An object whose spec is one line."""
    return f"---\napiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"

"""`dragoman lint`: what is wrong with folders of YAML, for a person before `kubectl apply`, and for a CI job."""

import contextlib
import datetime as dt
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import orjson

from cli.collecting import without_collections
from lint.reading import Read, read
from process.settings import Settings, SettingsError
from process.text import escaped
from watcher.lanes import Lanes
from watcher.limits import Limits
from watcher.parsing import Work

if TYPE_CHECKING:
    from lint.linter import Report

FORMATS: Final = ("text", "json", "sarif", "junit", "github")
SEVERITIES: Final = ("error", "warning", "advice")
DEFAULTS: Final = {"DRAGOMAN_DEFAULT_PORTS": "8080,8443"}
"""What holds unless the environment says otherwise: a folder without Listeners is one of Mappings alone, as it is for
`dragoman run`, and not one that is served nowhere."""

UNREAD: Final = 2
_STEPS: Final = 14
"""Functions of the translator's that run for an object, about: only the progress bar counts them."""


@click.command(
    epilog="Example:  dragoman lint k8s/ --format sarif --output lint.sarif\n\n"
    "Each code has a page in docs/lint; a comment `# dragoman: ignore DRG0703 and the reason` silences it in a place, "
    "the file .dragoman-lint.yaml in many."
)
@click.argument("paths", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(exists=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write it to.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of silences.  [default: .dragoman-lint.yaml in or above the folder]",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
def lint(paths: tuple[Path, ...], form: str, output: Path | None, config: Path | None, fail_on: str) -> None:
    """Tell what is wrong in folders or files of YAML, and what could be better: with a code, a place and a remedy.

    Several are looked at as one configuration. Neither a cluster nor an Envoy is asked. The exit code is 0, 1 when
    there are errors, and 2 when something could not be read.
    """
    folder = next((path for path in paths if path.is_dir()), paths[0].parent)
    try:
        settings = Settings.from_environment({**DEFAULTS, **os.environ, "DRAGOMAN_CONFIG_DIR": str(folder)})
    except SettingsError as error:
        raise click.UsageError(escaped(str(error))) from error
    with without_collections(), _Progress.of_terminal() as progress:
        report = linted(paths, config, settings, progress)
    _write(report, form, output)
    if report.unread:
        sys.exit(UNREAD)
    counted = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    sys.exit(1 if any(finding.severity in counted for finding in report.findings) else 0)


def linted(paths: tuple[Path, ...], config: Path | None, settings: Settings, progress: "_Progress") -> "Report":
    """The report on some paths. What it takes to judge objects is imported while another process reads them."""
    reading = _Reading(paths, settings, progress)
    from entrypoint.certificate import fallback_secret  # noqa: PLC0415 -- see above
    from lint.catalog import CODES  # noqa: PLC0415
    from lint.linter import lint as lint_objects  # noqa: PLC0415
    from lint.silences import SilencesError, file_for, of_file  # noqa: PLC0415
    from translator.settings import Machine, options_of  # noqa: PLC0415
    from watcher.named_files import FileSet, Guard, read_set  # noqa: PLC0415

    try:
        chosen = config or file_for(paths)
        silences = of_file(chosen, CODES, paths) if chosen else []
    except SilencesError as error:
        reading.result()
        raise click.UsageError(escaped(str(error))) from error
    found = reading.result()
    guard = Guard.of(settings)
    fallback = fallback_secret(settings.namespace)
    progress.begin("judging", _STEPS * len(found.objects))
    return lint_objects(
        found,
        options_of(settings, Machine(environment=os.environ)),
        lambda files: read_set(FileSet(files.sort, files.paths, frozenset(files.optional)), guard).body,
        dt.datetime.now(dt.UTC),
        {f"core/Secret/{settings.namespace}/{fallback['metadata']['name']}": orjson.dumps(fallback)},
        silences,
        progress.step,
    )


class _Reading:
    """Files that are read in a thread, which waits for the process that reads their documents."""

    def __init__(self, paths: tuple[Path, ...], settings: Settings, progress: "_Progress") -> None:
        self._paths, self._settings, self._progress = paths, settings, progress
        self._read: Read | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
        self._thread.start()

    def result(self) -> Read:
        """What was read, when it is there; raises what reading raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._read or Read()

    def _run(self) -> None:
        try:
            limits, said = Limits.of(self._settings), self._progress.file_read
            self._read = read(self._paths, self._settings.namespace, limits, _in_lanes, said)
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            self._error = error


def _in_lanes(works: Iterable[Work]) -> Iterator[Work]:
    """Have documents read by a process beside, which is given the next file before the last one is back."""
    some = threading.Event()
    with Lanes(some.set) as lanes:
        waiting = 0
        for work in works:
            lanes.submit(work)
            done = lanes.collect()
            waiting += 1 - len(done)
            yield from done
        while waiting:
            some.wait()
            some.clear()
            done = lanes.collect()
            waiting -= len(done)
            yield from done


@dataclass(slots=True)
class _Progress:
    """A bar on a terminal; nothing elsewhere. Its methods may be called from any thread, one at a time."""

    update: Callable[[str, int, int], None]
    label: str = ""
    length: int = 0
    done: int = 0

    @classmethod
    @contextlib.contextmanager
    def of_terminal(cls) -> Iterator["_Progress"]:
        """One that is shown where errors are a terminal, and is gone at the end."""
        if not sys.stderr.isatty():
            yield cls(lambda _label, _done, _length: None)
            return
        with click.progressbar(length=100, label="reading", file=sys.stderr, show_eta=False) as bar:

            def update(label: str, done: int, length: int) -> None:
                """Reading is the first half, judging the second."""
                half = 0 if label == "reading" else 50
                at = half + min(50, 50 * done // max(1, length))
                if at > bar.pos or label != bar.label:
                    bar.label = label
                    bar.update(max(0, at - bar.pos))

            yield cls(update)

    def file_read(self, done: int, length: int) -> None:
        """A file more is read."""
        self.update("reading", done, length)

    def begin(self, label: str, length: int) -> None:
        """Something else begins, of so many steps."""
        self.label, self.length, self.done = label, length, 0

    def step(self) -> None:
        """A step is done; not every one is shown."""
        self.done += 1
        if not self.done & 0x3FF:
            self.update(self.label, self.done, self.length)


def _write(report: "Report", form: str, output: Path | None) -> None:
    from lint.formats import FORMATS as WRITERS  # noqa: PLC0415 -- as above

    text = WRITERS[form](report)
    try:
        if output is not None:
            output.write_text(click.unstyle(text) if form == "text" else text)
        else:
            click.echo(text, nl=False)
    except BrokenPipeError:
        raise  # who reads has read enough, which is click's affair
    except OSError as error:
        raise click.FileError(str(output or "the output"), error.strerror or "cannot be written") from error

"""From objects to an outline: both configurations are made by the same translator, with the same settings."""

import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import orjson

from diff.outline import Outline, outline
from diff.sources import Side
from entrypoint.certificate import fallback_secret
from lint.linter import Report, lint
from lint.silences import Silence
from lint.stand_ins import stand_in
from process.settings import Settings
from translator.apis import SECRETS
from translator.files.names import Files
from translator.ir import ObjectKey
from translator.options import Options
from translator.settings import Machine, options_of
from translator.tables import Failure
from translator.translation import Translation
from watcher.named_files import FileSet, Guard, read_set

ReadFiles = Callable[[Files], bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """A configuration: its outline, the objects that it was made of, and those that are stopped."""

    outline: Outline
    bodies: Mapping[ObjectKey, bytes]
    stopped: frozenset[ObjectKey]
    failures: tuple[Failure, ...]
    missed: frozenset[ObjectKey] = frozenset()
    """The Secrets that objects refer to and that are not there."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes configurations with the same settings; what is there without being anybody's is the same in all."""

    options: Options
    read_files: ReadFiles
    given: Mapping[ObjectKey, bytes]

    @classmethod
    def of(cls, settings: Settings) -> "Maker":
        """By the settings of this process."""
        guard, fallback = Guard.of(settings), fallback_secret(settings.namespace)
        key = f"{SECRETS}{settings.namespace}/{fallback['metadata']['name']}"
        return cls(
            options_of(settings, Machine(environment=os.environ)),
            lambda files: read_set(FileSet(files.sort, files.paths, frozenset(files.optional)), guard).body,
            {key: orjson.dumps(fallback)},
        )

    def make(self, side: Side, live: Made | None = None) -> Made:
        """The configuration of a side. `live`: of the cluster that it is applied to.

        There a gateway has only Secrets that something refers to: of others nobody knows whether they are there.
        """
        bodies = {**self.given, **side.objects}
        translation = Translation(self.options, side.holds)
        publication = translation.objects_changed(0.0, {**bodies, **side.known})
        pipeline = translation.pipeline
        wanted = [files for files in pipeline.files_wanted() if files.key not in side.known]
        contents = {files.key: self.read_files(files) for files in wanted}
        if contents:
            publication.then(translation.objects_changed(0.0, contents))
        missed = {f"{SECRETS}{space}/{name}": (space, name) for space, name in pipeline.certificates_missed()}
        absent = {}
        if live is not None or not side.has_secrets:
            known = live.missed if live is not None and side.has_secrets else frozenset[ObjectKey]()
            absent = {key: stand_in(*names) for key, names in missed.items() if key not in bodies and key not in known}
            publication.then(translation.objects_changed(0.0, dict(absent)))
        stopped = [key for key, status in publication.statuses.items() if status and status.state == "stopped"]
        names = [key.removeprefix(SECRETS) for key in absent]
        return Made(
            outline(pipeline, names), bodies, frozenset(stopped), tuple(publication.failures), frozenset(missed)
        )

    def linted(self, side: Side, silences: tuple[Silence, ...] = ()) -> Report | None:
        """What is wrong with the files of a side, as `dragoman lint` tells it, but for what could only be better."""
        if side.read is None:
            return None
        beside = {key: body for key, body in side.objects.items() if key not in side.read.objects}
        report = lint(
            side.read, self.options, self.read_files, dt.datetime.now(dt.UTC), {**self.given, **beside}, silences
        )
        mine = {file.shown for file in side.read.files.values()} | {told.shown for told in side.read.problems}
        found = [each for each in report.findings if each.severity == "error" and each.place.file in mine]
        return replace(report, findings=tuple(found))

"""The whole: what was read is judged, advised on, given places, and silenced."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lint import problems
from lint.catalog import CODES
from lint.codes.reading import FAILURE, OBJECT, TWICE
from lint.findings import Finding, Found, Place
from lint.positions import Text, line_of_annotation, place_of
from lint.reading import File, Read, Told
from lint.rules import RULES, Rule, World
from lint.silences import Silence, in_comments, kept
from lint.stand_ins import stand_in
from process.text import printable
from translator.carriers import CARRIED, is_carrier
from translator.files.names import Files
from translator.ir import ObjectKey
from translator.judging import Judgement, judge
from translator.options import Options
from translator.tables import Failure

LONGEST = 1_000
_MARK = f'"{CARRIED}":['.encode()


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in the order in which it is told, and how much was looked at.

    `unread`: something could not be read at all, so that nobody knows what is in it.
    """

    findings: tuple[Finding, ...]
    objects: int
    files: int
    silenced: int
    unread: bool

    def count(self, severity: str) -> int:
        """How many findings there are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)


@dataclass(slots=True)
class _Places:
    """Where things are: the texts of files, each read when something in it is told."""

    read: Read
    carriers: Mapping[ObjectKey, ObjectKey]
    texts: dict[str, Text] = field(default_factory=dict)
    by_path: dict[Path, File] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Files are asked for by their paths, too."""
        self.by_path = {file.path: file for file in self.read.files.values()}

    def text(self, file: File) -> Text:
        if file.shown not in self.texts:
            self.texts[file.shown] = Text(file)
        return self.texts[file.shown]

    def of(self, found: Found) -> Place | None:
        """The place of what was found; None for an object of no file."""
        carrier = self.carriers.get(found.object)
        at = self.read.place_of(carrier or found.object)
        if at is None:
            return None
        text, number = self.text(at[0]), at[1]
        if carrier:
            return place_of(text, number, carrier, found.path, found.object)
        if found.line:
            return line_of_annotation(text, number, found.object, found.line)
        return place_of(text, number, found.object, found.path)


def lint(
    read: Read,
    options: Options,
    read_files: Callable[[Files], bytes],
    now: dt.datetime,
    given: Mapping[ObjectKey, bytes],
    silences: Iterable[Silence] = (),
    step: Callable[[], None] = lambda: None,
) -> Report:
    """Lint what was read.

    Args:
        read: files and folders.
        options: what of the environment changes what objects mean.
        read_files: gives what is in files that objects name.
        now: which certificates have ended depends on it.
        given: objects that are there beside, and in no file.
        silences: of the file of silences.
        step: is called often while work goes on.
    """
    bodies = {**given, **{key: record.body for key, record in read.objects.items()}}
    judgement = judge(bodies, options, read_files, stand_in, step)
    places = _Places(read, judgement.carriers)
    found = [*_of_objects(judgement, bodies, now)]
    findings = [*(_of_file(places, told) for told in read.problems), *_placed(found, places)]
    spoken = _spoken(places, silences)
    all_silences = [each for each in spoken if isinstance(each, Silence)]
    left = kept(findings, all_silences)
    silenced = len(findings) - len(left)
    left += [each for each in spoken if isinstance(each, Finding)]
    left += [finding for silence in all_silences for finding in silence.unused]
    unread = any(told.problem.sort == "Unread" for told in read.problems)
    ordered = tuple(sorted(dict.fromkeys(left), key=lambda finding: finding.order))
    return Report(ordered, len(read.objects), len(read.files), silenced, unread)


def _of_objects(judgement: Judgement, bodies: Mapping[ObjectKey, bytes], now: dt.datetime) -> Iterator[Found]:
    by_object: dict[ObjectKey, tuple[Found, ...]] = {}
    for key, those in judgement.problems.items():
        by_object[key] = tuple(problems.found(key, problem) for problem in those if problem.sort != "Awaited")
    for those_found in by_object.values():
        yield from those_found
    yield from map(_failure, judgement.failures)
    for key, body in bodies.items():
        if is_carrier(key) and _MARK in body:
            yield from _of_annotation(key, orjson.loads(body)[CARRIED], judgement.carriers, bodies)
    world = World(judgement, now, by_object)
    for rule in RULES:
        yield from _advice(rule, world)


def _advice(rule: Rule, world: World) -> list[Found]:
    """What a rule finds; one that fails takes nothing else with it."""
    try:
        return list(rule.find(world))
    except Exception as error:  # noqa: BLE001 -- a bug of ours, told as one
        return [Found(FAILURE, "", "", printable(f"{rule.codes[0].title}: {error!r}", LONGEST))]


def _of_annotation(
    key: ObjectKey,
    carried: list[dict[str, Any]],
    carriers: Mapping[ObjectKey, ObjectKey],
    bodies: Mapping[ObjectKey, bytes],
) -> Iterator[Found]:
    """What is wrong with an annotation, beside what is wrong with the objects in it."""
    seen: set[ObjectKey] = set()
    for item in carried:
        line = int(item.get("line", 0))
        if "problem" in item:
            yield Found(OBJECT, key, "", str(item["problem"]), line=line)
            continue
        child = str(item["key"])
        owner = carriers.get(child)
        if child in seen or owner != key:
            where = owner or (child if child in bodies else "another")
            said = f"{child} is in this annotation already" if child in seen else f"{child} is in {where} already"
            yield Found(TWICE, key, "", f"{said}, which counts", line=line)
        seen.add(child)


def _failure(failure: Failure) -> Found:
    said = f"{failure.table}: {failure.error!r}"
    return Found(FAILURE, str(failure.key), "", printable(said, LONGEST))


def _placed(found: Iterable[Found], places: _Places) -> Iterator[Finding]:
    for each in found:
        place = places.of(each) or Place(each.object or ".")
        severity = each.severity or each.code.severity
        yield Finding(each.code, severity, each.object, each.path, place, each.message)


def _of_file(places: _Places, told: Told) -> Finding:
    code, problem = problems.of_file(told.problem.sort), told.problem
    place = Place(told.shown, problem.line or 1, problem.column or 1)
    if problem.about and problem.line is None:
        place = _place_about(places, told) or place
    return Finding(code, code.severity, problem.about, "", place, problem.message)


def _place_about(places: _Places, told: Told) -> Place | None:
    """Where an object is in a file that is not the one that counts for it."""
    file = places.by_path.get(told.path)
    for number, document in enumerate(file.documents if file else (), 1):
        if file is not None and told.problem.about in document.keys:
            return place_of(places.text(file), number, told.problem.about, "metadata.name")
    return None


def _spoken(places: _Places, silences: Iterable[Silence]) -> list[Silence | Finding]:
    """All silences, and what is wrong with those in comments."""
    found: list[Silence | Finding] = [*silences]
    for file in places.read.files.values():
        if file.has_comments and file.path.suffix != ".json":
            found += in_comments(places.text(file), CODES)
    return found

"""The translator as a state machine: objects and Envoy's verdicts in, what to publish out. No I/O, no clock.

    objects changed --> pipeline --> resources, statuses
    Envoy refused a resource --> trial of its unproven objects --> one object held back, the rest goes on

`translator.quarantine` tells how the guilty object is found.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from translator.carriers import Carriers
from translator.decode import Problem
from translator.derived import INGRESS, KNATIVE
from translator.emissary.names import what_is_left
from translator.emissary.objects import subject_of
from translator.files.tables import problem_of_files
from translator.gateway import held as gateway_held
from translator.gateway_statuses import with_envoys_word
from translator.ir import ObjectKey
from translator.memory import Memory
from translator.options import Options
from translator.pipeline import CONFIG_MAPS, FILES, SECRETS, SOURCES, Pipeline, kind_of
from translator.progress import Progress
from translator.quarantine import Hold, Trial, Verdict, begin, digest, is_blameless, judged, sentence
from translator.resources import Resource
from translator.statuses import (
    ReportedProblem,
    Status,
    status_of_file,
    status_of_files,
    status_of_held,
    status_of_object,
)
from translator.subjects import UNNAMED, Edition, Subject
from translator.tables import Failure
from translator.unserved import for_another
from translator.variables import filled_in

GROUP = "getambassador.io/"
GATEWAY_API = "gateway.networking.k8s.io/"
NOBODY: Mapping[str, ReportedProblem] = MappingProxyType({})
INGRESSES = (f"{INGRESS}/", f"{KNATIVE}/")


@dataclass(slots=True)
class Publication:
    """What is different now and must be written, by key; None for what is gone."""

    resources: dict[str, Resource | None] = field(default_factory=dict)
    statuses: dict[ObjectKey, Status | None] = field(default_factory=dict)
    holds: dict[ObjectKey, Hold | None] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def then(self, later: "Publication") -> None:
        """Add what came after it, which counts where both say something."""
        self.resources |= later.resources
        self.statuses |= later.statuses
        self.holds |= later.holds
        self.failures += later.failures


class Translation:
    """Owns the tables, what is held back, and the trials that are going on. `step` is called while work goes on."""

    def __init__(
        self, options: Options, holds: Mapping[ObjectKey, Hold], step: Callable[[], None] = lambda: None
    ) -> None:
        self.pipeline = Pipeline(options, step)
        self._holds = dict(holds)
        self._ambassador_id = options.ambassador_id
        self._in_cluster = options.in_cluster
        self._environment = options.environment
        self._carriers = Carriers()
        self._subjects: dict[ObjectKey, Subject] = {}
        self._memory = Memory()
        self._progress = Progress()
        self._trials: dict[str, Trial] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._refused: set[str] = set()
        self._blamed: dict[str, ObjectKey] = {}
        self._blames: dict[ObjectKey, dict[str, ReportedProblem]] = {}
        self._failures: dict[str, Exception] = {}

    def next_time(self, now: float) -> float | None:
        """When `time_passed` should be called at the latest, in the caller's clock; None: not needed."""
        times = (self._memory.next_settling(now), self._progress.next_time(now))
        return min((time for time in times if time is not None), default=None)

    def objects_changed(
        self,
        now: float,
        changes: Mapping[ObjectKey, bytes | None],
        editions: Mapping[ObjectKey, Edition] | None = None,
    ) -> Publication:
        """New bodies of objects; None for those that are gone.

        `now` is in seconds of any steady clock; `editions` say which version of an object a body is.
        """
        self._settle(now)
        publication = Publication()
        changes = {key: self._filled_in(key, body) for key, body in self._carriers.take(changes).items()}
        effective: dict[ObjectKey, bytes | None] = {}
        for key, body in changes.items():
            hold = before = self._holds.get(key)
            if hold is not None and hold.refused != digest(body):
                del self._holds[key]
                publication.holds[key] = hold = None
            if hold is None and body is not None and key.startswith(FILES):
                hold = self._hold_of_files(key, body, before.good if before else self.pipeline.object(key))
                if hold is not None:
                    self._holds[key] = publication.holds[key] = hold
            effective[key] = hold.good if hold else body
            self._take_note(key, body, (editions or {}).get(key, UNNAMED))
        self._apply(now, effective, publication)
        for key, body in changes.items():
            if not self.pipeline.serves(key):
                publication.statuses[key] = self._status_without_tables(key, body)
        return self._tell_carriers(publication)

    def _hold_of_files(self, key: ObjectKey, body: bytes, good: bytes | None) -> Hold | None:
        """What stays in use of files that were good, and are not: two files are not replaced in one moment."""
        if good is None or (said := problem_of_files(key, body)) is None or problem_of_files(key, good) is not None:
            return None
        return Hold(digest(body), good, f"{said}; what was read before stays in use")

    def _filled_in(self, key: ObjectKey, body: bytes | None) -> bytes | None:
        return filled_in(body, self._environment) if body is not None and key.startswith(GROUP) else body

    def verdicts_changed(self, now: float, verdicts: Mapping[str, Verdict | None]) -> Publication:
        """What Envoy said of resources since the last call, by `<type>/<name>`."""
        publication = Publication()
        for key, verdict in verdicts.items():
            try:
                self._hear(now, key, verdict, publication)
            except Exception as error:  # noqa: BLE001  a bug of ours must not take the other verdicts with it
                self._failures[key] = error
        self._settle(now)
        return self._tell_carriers(publication)

    def stream_changed(self, now: float, *, connected: bool) -> None:
        """An Envoy came or went: only while one is there, its silence says something."""
        self._memory.stream_changed(now, connected=connected)

    def take_failures(self) -> dict[str, Exception]:
        """What failed since the last call while a verdict on a resource was looked at: bugs of ours."""
        failures = self._failures | self.pipeline.provenance.failures
        self._failures.clear()
        self.pipeline.provenance.failures.clear()
        return failures

    def _hear(self, now: float, key: str, verdict: Verdict | None, publication: Publication) -> None:
        self._note_verdict(key, verdict)
        if verdict is None:
            return
        if verdict.accepted:
            self._memory.answered(now, key, verdict.accepted)
            self._restate(self._progress.answered(key, verdict.accepted), publication)
        self._judge(now, key, publication)

    def _note_verdict(self, key: str, verdict: Verdict | None) -> None:
        self._refused.discard(key)
        if verdict is None:
            self._verdicts.pop(key, None)
            return
        self._verdicts[key] = verdict
        if verdict.refused:
            self._refused.add(key)

    def time_passed(self, now: float) -> Publication:
        """Nothing happened: what Envoy did not refuse in time counts as good, and who waits for it is looked at."""
        self._settle(now)
        publication = Publication()
        self._restate(self._progress.time_passed(now, self.pipeline.provenance.of), publication)
        return self._tell_carriers(publication)

    def resources(self) -> dict[str, Resource]:
        """Everything that should be published now."""
        everything = self.pipeline.resources()
        for key, trial in self._trials.items():
            tried = self._tried(trial)
            if tried is not None:
                everything[key] = tried
        return everything

    # Changes and trials

    def _apply(self, now: float, objects: Mapping[ObjectKey, bytes | None], publication: Publication) -> None:
        update = self.pipeline.apply(objects, self._refusals_of(objects))
        publication.failures.extend(update.failures)
        publication.resources.update(update.resources)
        for key, row in update.resources.items():
            self._trials.pop(key, None)
            if row is None or (key in self._blamed and self._blamed[key] in objects):
                self._absolve(key, publication)
        versions = {key: row.version if row else None for key, row in update.resources.items()}
        self._memory.published(now, objects, versions)
        subjects = [key for key in update.judged if key in self._subjects]
        answered = self._progress.published(now, subjects, versions)
        for key, version in versions.items():
            verdict = self._verdicts.get(key)
            if verdict is not None and version is not None and verdict.accepted == version:
                self._memory.answered(now, key, version)
                answered |= self._progress.answered(key, version)
                self._absolve(key, publication)
        self._restate(update.judged | update.restated | answered, publication)

    def _judge(self, now: float, key: str, publication: Publication) -> None:
        verdict = self._verdicts[key]
        trial = self._trials.get(key)
        if trial is not None:
            if trial.version in {verdict.accepted, verdict.refused}:
                self._go_on(now, judged(trial, accepted=trial.version == verdict.accepted), publication)
            return
        row = self.pipeline.resource(key)
        if row is None:
            return
        if verdict.refused == row.version:
            self._suspect(now, key, verdict.message, publication)
        elif verdict.accepted == row.version:
            self._absolve(key, publication)

    def _suspect(self, now: float, key: str, message: str, publication: Publication) -> None:
        self._absolve(key, publication)
        origins = self.pipeline.provenance.of(key)
        suspects = [origin for origin in origins if self._may_be_guilty(origin)]
        if self._verdicts[key].accepted is not None:  # else nothing of it speaks for anyone
            doubted = self._memory.doubted(key)
            suspects = [origin for origin in suspects if origin in doubted or self._is_unproven(origin)]
        if not suspects or is_blameless(key, message):
            self._blame(key, origins[:1], message, publication)
        elif len(suspects) == 1:
            self._convict(now, suspects[0], key, message, publication)
        else:
            names_stay = any(self._left_of(suspect) is not None for suspect in suspects)
            self._go_on(now, begin(key, message, suspects, names_stay=names_stay), publication)

    def _may_be_guilty(self, origin: ObjectKey) -> bool:
        """Whether an object is there, and more of it than what Envoy hears nothing of."""
        present = self.pipeline.object(origin)
        return present is not None and not (gateway_held.is_silent(origin) and present == self._left_of(origin))

    def _go_on(self, now: float, trial: Trial, publication: Publication) -> None:
        """Try on until Envoy has to be asked, or one suspect is left."""
        while len(trial.suspects) > 1:
            tried = self._tried(trial)
            verdict = self._verdicts.get(trial.resource, Verdict(None, None))
            if tried is None or tried.version == verdict.accepted:
                trial = judged(trial, accepted=True)
            elif tried.version == verdict.refused:
                trial = judged(trial, accepted=False)
            else:
                self._trials[trial.resource] = replace(trial, version=tried.version)
                publication.resources[trial.resource] = tried
                return
        self._trials.pop(trial.resource, None)
        publication.resources[trial.resource] = self.pipeline.resource(trial.resource)
        self._convict(now, trial.suspects[0], trial.resource, trial.message, publication)

    def _tried(self, trial: Trial) -> Resource | None:
        left_out = {key: self._instead_of(key, names_stay=trial.names_stay) for key in trial.left_out}
        return self.pipeline.what_if(left_out, trial.resource)

    def _instead_of(self, key: ObjectKey, *, names_stay: bool) -> bytes | None:
        """The last good version, unless it is the present one, which is doubted; else perhaps what is left of it."""
        good = self._memory.good.get(key)
        if good is not None and good != self.pipeline.object(key):
            return good
        return self._left_of(key) if names_stay or gateway_held.is_silent(key) else None

    def _left_of(self, key: ObjectKey) -> bytes | None:
        """What stands for the names of an object, as it is now."""
        present = self.pipeline.object(key)
        return None if present is None else what_is_left(key, present) or gateway_held.what_is_left(key, present)

    def _convict(self, now: float, guilty: ObjectKey, key: str, message: str, publication: Publication) -> None:
        refused = self.pipeline.object(guilty)
        if refused is None:
            return
        previous = self._holds.get(guilty)
        self._memory.was_wrong(guilty, refused)
        good = self._memory.fallback(guilty, previous)
        said = sentence(key, message, kept=good is not None)
        left = self._left_of(guilty)
        instead = left if good is None and left != refused else good
        hold = Hold(previous.refused if previous else digest(refused), instead, said)
        self._holds[guilty] = publication.holds[guilty] = hold
        self._apply(now, {guilty: instead}, publication)
        self._memory.forget(guilty)
        publication.statuses[guilty] = self._status_of(guilty)

    def _blame(self, key: str, origins: tuple[ObjectKey, ...], message: str, publication: Publication) -> None:
        """Nothing that Envoy had not accepted before: its surroundings changed. The object is told, nothing is held."""
        verdict = self._verdicts[key]
        kept = verdict.accepted not in {None, verdict.refused}
        for origin in origins:
            self._blamed[key] = origin
            blame = ReportedProblem("", sentence(key, message, kept=kept), stops=not kept, by="envoy")
            self._blames.setdefault(origin, {})[key] = blame
            publication.statuses[origin] = self._status_of(origin)
            self._tell_users(origin, publication)
        if verdict.refused is not None:
            self._restate(self._progress.answered(key, verdict.refused), publication)

    def _absolve(self, key: str, publication: Publication) -> None:
        """Whoever was blamed for this resource is so no more."""
        if key in self._blamed:
            origin = self._blamed.pop(key)
            self._blames[origin].pop(key)
            if not self._blames[origin]:
                del self._blames[origin]
            publication.statuses[origin] = self._status_of(origin)
            self._tell_users(origin, publication)

    def _tell_users(self, origin: ObjectKey, publication: Publication) -> None:
        """Whoever needs a Secret is told what Envoy says of it, or is told so no more."""
        update = self.pipeline.apply({}, self._refusals_of([origin]))
        publication.failures.extend(update.failures)
        publication.resources.update(update.resources)
        self._restate(update.judged | update.restated, publication)

    def _refusals_of(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, str | None]:
        """What Envoy says of these objects, of those that others need certificates from."""
        return {key: self._refusal_of(key) for key in keys if key.startswith((SECRETS, CONFIG_MAPS, FILES))}

    def _refusal_of(self, key: ObjectKey) -> str | None:
        hold = self._holds.get(key)
        if hold is not None:
            return hold.message
        return next((blame.message for blame in self._blames.get(key, {}).values()), None)

    def _is_unproven(self, key: ObjectKey) -> bool:
        body = self.pipeline.object(key)
        return body is not None and body != self._memory.good.get(key)

    def _settle(self, now: float) -> None:
        refused: set[ObjectKey] = set()
        for key in self._refused:
            is_refused = key in self._trials or self._is_current(key, self._verdicts[key].refused)
            if is_refused and not is_blameless(key, self._verdicts[key].message):
                refused.update(self.pipeline.provenance.of(key))
        self._memory.settle(now, frozenset(refused), self._is_due, self.pipeline.provenance.of)

    def _is_due(self, key: str) -> bool:
        """Whether Envoy owes an answer: it asks for all clusters and listeners, and for what it has answered before."""
        verdict = self._verdicts.get(key)
        if verdict is not None and self._is_current(key, verdict.refused):
            return False
        return verdict is not None or key.startswith(("cluster/", "listener/"))

    def _is_current(self, key: str, version: str | None) -> bool:
        row = self.pipeline.resource(key)
        return row is not None and row.version == version

    # Statuses

    def _take_note(self, key: ObjectKey, body: bytes | None, edition: Edition) -> None:
        """Remember which version of an object its status will be about; a body that is held back counts too."""
        if body is None:
            self._subjects.pop(key, None)
        elif key.startswith(GROUP):
            self._subjects[key] = subject_of(body, edition, self._ambassador_id)
        elif key.startswith((*INGRESSES, GATEWAY_API)):
            self._subjects[key] = Subject(edition)

    def _restate(self, keys: Iterable[ObjectKey], publication: Publication) -> None:
        """Tell the statuses of these objects anew."""
        keys = tuple(keys)
        problems = self.pipeline.problems([key for key in keys if key not in self._holds])
        for key in keys:
            publication.statuses[key] = self._status_of(key, problems.get(key))

    def _tell_carriers(self, publication: Publication) -> Publication:
        """The same, told as well on the objects that carry in an annotation what it is about."""
        for key in self._carriers.touched(publication.statuses):
            own = self._status_of(key) if self.pipeline.serves(key) else None
            publication.statuses[key] = self._carriers.told_on(key, own, self._status_of_carried)
        return publication

    def _status_of_carried(self, key: ObjectKey) -> Status | None:
        return self._status_of(key) if self.pipeline.serves(key) else self._status_without_tables(key, b"")

    def _status_of(self, key: ObjectKey, problems: tuple[Problem, ...] | None = None) -> Status | None:
        """The status of an object; `problems` where what is wrong with it is known already."""
        status = self._judgement_of(key, problems)
        if status is None:
            return None
        said = self.pipeline.gateway_status_of(key)
        status = Status(
            status.problems,
            status.more,
            status.is_held,
            self._progress.waits(key),
            self._subjects.get(key),
            self._carriers.carrier_of(key) or "",
            self.pipeline.address_of(key),
        )
        return replace(status, gateway=with_envoys_word(kind_of(key), said, status)) if said else status

    def _judgement_of(self, key: ObjectKey, problems: tuple[Problem, ...] | None) -> Status | None:
        hold = self._holds.get(key)
        if hold is not None:
            return status_of_held(hold) if not key.startswith(FILES) else status_of_files(hold)
        body = self.pipeline.object(key)
        if body is None:
            return None
        if problems is None:
            (problems,) = self.pipeline.problems([key]).values()
        problems = (*problems, *self._left_out(key, body))
        return status_of_object(problems, self._blames.get(key, NOBODY).values())

    def _left_out(self, key: ObjectKey, body: bytes) -> tuple[Problem, ...]:
        """That an object in a folder is for another gateway, which in a cluster is no news."""
        subject = self._subjects.get(key)
        is_known = self._in_cluster or subject is None or subject.is_ours
        told = None if is_known else for_another(body, self._ambassador_id)
        return () if told is None else (told,)

    def _status_without_tables(self, key: ObjectKey, body: bytes | None) -> Status | None:
        if body is None:
            return None
        if key.startswith(SOURCES):
            return status_of_file(body)
        subject = self._subjects.get(key)
        if subject is not None and not subject.is_ours:
            status = status_of_object(self._left_out(key, body)) if body else Status()
        else:
            problem = self.pipeline.unknown_kind(key)
            if problem is None:
                return None
            status = status_of_object((problem,))
        return replace(status, subject=subject, carrier=self._carriers.carrier_of(key) or "")

"""The status of each object: what is wrong with it, what is held back of it, and what Envoy says.

Told on the object itself, and where another carries it in an annotation, on that one as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from translator.carriers import Carriers
from translator.decode import Problem
from translator.derived import INGRESS, KNATIVE
from translator.emissary.objects import subject_of
from translator.gateway_statuses import with_envoys_word
from translator.ir import ObjectKey
from translator.options import Options
from translator.pipeline import FILES, SOURCES, Pipeline, kind_of
from translator.progress import Progress
from translator.publication import Publication
from translator.quarantine import Hold
from translator.statuses import (
    UNREAD,
    ReportedProblem,
    Status,
    status_of_file,
    status_of_files,
    status_of_held,
    status_of_object,
)
from translator.subjects import Edition, Subject
from translator.unserved import for_another

GROUP: Final = "getambassador.io/"
_GATEWAY_API: Final = "gateway.networking.k8s.io/"
_NOBODY: Final[Mapping[str, ReportedProblem]] = MappingProxyType({})
_INGRESSES: Final = (f"{INGRESS}/", f"{KNATIVE}/")


class ObjectStatuses:
    """Whose statuses there are, and what they say.

    `holds` and `blames` (what Envoy says of an object, by resource) are the translation's, as they are at any time.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        progress: Progress,
        carriers: Carriers,
        holds: Mapping[ObjectKey, Hold],
        blames: Mapping[ObjectKey, Mapping[str, ReportedProblem]],
        options: Options,
    ) -> None:
        self._pipeline = pipeline
        self._progress = progress
        self._carriers = carriers
        self._holds = holds
        self._blames = blames
        self._ambassador_id = options.ambassador_id
        self._in_cluster = options.in_cluster
        self.subjects: dict[ObjectKey, Subject] = {}

    def take_note(self, key: ObjectKey, body: bytes | None, edition: Edition) -> None:
        """Remember which version of an object its status will be about; a body that is held back counts too."""
        if body is None:
            self.subjects.pop(key, None)
        elif key.startswith(GROUP):
            self.subjects[key] = subject_of(body, edition, self._ambassador_id)
        elif key.startswith((*_INGRESSES, _GATEWAY_API)):
            self.subjects[key] = Subject(edition)

    def restate(self, keys: Iterable[ObjectKey], publication: Publication) -> None:
        """Tell the statuses of these objects anew."""
        keys = tuple(keys)
        problems = self._pipeline.problems([key for key in keys if key not in self._holds])
        for key in keys:
            publication.statuses[key] = self.status_of(key, problems.get(key))

    def tell_carriers(self, publication: Publication) -> Publication:
        """The same, told as well on the objects that carry in an annotation what it is about."""
        for key in self._carriers.touched(publication.statuses):
            own = self.status_of(key) if self._pipeline.serves(key) else None
            publication.statuses[key] = self._carriers.told_on(key, own, self._status_of_carried)
        return publication

    def _status_of_carried(self, key: ObjectKey) -> Status | None:
        return self.status_of(key) if self._pipeline.serves(key) else self.status_without_tables(key, b"")

    def status_of(self, key: ObjectKey, problems: tuple[Problem, ...] | None = None) -> Status | None:
        """The status of an object; `problems` where what is wrong with it is known already."""
        status = self._judgement_of(key, problems)
        if status is None:
            return None
        said = self._pipeline.gateway_status_of(key)
        status = Status(
            status.problems,
            status.more,
            status.is_held,
            self._progress.waits(key),
            self.subjects.get(key),
            self._carriers.carrier_of(key) or "",
            self._pipeline.address_of(key),
        )
        return replace(status, gateway=with_envoys_word(kind_of(key), said, status)) if said else status

    def _judgement_of(self, key: ObjectKey, problems: tuple[Problem, ...] | None) -> Status | None:
        hold = self._holds.get(key)
        if hold is not None:
            return status_of_held(hold) if not key.startswith(FILES) else status_of_files(hold)
        body = self._pipeline.object(key)
        if body is None:
            return None
        if problems is None:
            (problems,) = self._pipeline.problems([key]).values()
        problems = (*problems, *self._left_out(key, body))
        return status_of_object(problems, self._blames.get(key, _NOBODY).values())

    def _left_out(self, key: ObjectKey, body: bytes) -> tuple[Problem, ...]:
        """That an object in a folder is for another gateway, which in a cluster is no news."""
        subject = self.subjects.get(key)
        is_known = self._in_cluster or subject is None or subject.is_ours
        told = None if is_known else for_another(body, self._ambassador_id)
        return () if told is None else (told,)

    def status_without_tables(self, key: ObjectKey, body: bytes | None) -> Status | None:
        """The status of an object that the tables have no rows of."""
        if body is None:
            return None
        if key.startswith(SOURCES):
            return status_of_file(body)
        subject = self.subjects.get(key)
        if subject is not None and not subject.is_ours:
            status = status_of_object(self._left_out(key, body)) if body else Status()
        else:
            problem = self._pipeline.unknown_kind(key)
            status = UNREAD if problem is None else status_of_object((problem,))
        return replace(status, subject=subject, carrier=self._carriers.carrier_of(key) or "")

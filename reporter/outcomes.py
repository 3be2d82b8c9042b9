"""What came of writes: how long who was refused has to wait, and what the log says of it, once."""

from process import logs
from reporter.agenda import Agenda
from reporter.errands import Errand
from reporter.objects import Name
from reporter.refusals import Refusals
from reporter.writing import FailedError, RefusedError, RestError, UnreachableError

log = logs.get()


class Outcomes:
    """Those of one leadership, told to its agenda."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._refusals = Refusals()
        self._is_troubled = False

    def waits(self, name: Name, now: float) -> float:
        """Seconds for which nothing of an object's kind is to be written in its namespace; 0: it may be."""
        return self._refusals.left(name.sort, name.namespace, now)

    def refused(self, errand: Errand, error: RefusedError, now: float) -> float:
        """A right is missing, or the CRD is another one; the seconds until another try."""
        kind = errand.name.sort
        if self._refusals.add(kind, error.namespace, now):
            log.warning("statuses cannot be written", kind=kind, namespace=error.namespace or "all", reason=str(error))
        return self._refusals.left(kind, error.namespace, now)

    def failed(self, errand: Errand, error: FailedError, now: float) -> float:
        """A write failed that says nothing of others, unless several of its kind do; the seconds until another try."""
        kind = errand.name.sort
        is_known = self._refusals.is_known(kind, errand.name.namespace)
        failures, rest = self._agenda.failed(errand.key, now, error.retry_after)
        if self._refusals.failed(kind, errand.key, now):
            log.warning("statuses cannot be written", kind=kind, namespace="all", reason=str(error))
        elif failures == 1 and not is_known:
            name, seconds = str(errand.name), round(rest, 1)
            log.warning("a status cannot be written", object=name, reason=str(error), again_in_s=seconds)
        return rest

    def troubled(self, error: RestError | UnreachableError, now: float) -> float:
        """Nothing can be written; the seconds until another try."""
        retry_after = error.retry_after if isinstance(error, RestError) else None
        rest = self._agenda.unreachable(now, retry_after)
        if not self._is_troubled:
            self._is_troubled = True
            log.warning("the API server takes no reports", reason=str(error), again_in_s=round(rest, 1))
        return rest

    def took(self, errand: Errand) -> None:
        """The write of an object went well."""
        if self._agenda.took(errand.key):
            log.info("a status can be written again", object=str(errand.name))
        if self._refusals.over(errand.name.sort, errand.name.namespace):
            log.info("statuses can be written again", kind=errand.name.sort, namespace=errand.name.namespace)

    def answered(self) -> None:
        """The API server takes reports."""
        self._agenda.answered()
        if self._is_troubled:
            self._is_troubled = False
            log.info("the API server takes reports again")

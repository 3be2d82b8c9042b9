"""One look at one object: what its status lacks, and what is worth an Event. Decisions, and what they must remember."""

from dataclasses import dataclass, field
from typing import Final

from reporter.events import NewEvent, is_well, problems_in, recovery
from reporter.gateway_merging import gateway_to_write, without_ours
from reporter.ingress_merging import ingress_to_apply
from reporter.merging import is_ours, status_to_apply
from reporter.objects import JSONObject, Live, Wanted, conditions_of, is_older

PATIENCE: Final = 3.0
"""Seconds that a status is kept back which says only that Envoy has not answered yet."""

ANSWER_COUNTS: Final = 30.0
"""Seconds in which the watcher must have heard what the API server answered to us."""

LONG_PATIENCE: Final = 60.0
"""The same where an Envoy has had this very version: another one is beginning, and has everything to take in."""


_GENERATION: Final = "observedGeneration"

_NOTHING: Final = frozenset[NewEvent]()
"""Of almost every object, so there is one of it."""


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing can be said yet; look again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done: tell the news, then apply the status (None: it is as it should be)."""

    news: tuple[NewEvent, ...]
    status: JSONObject | None


@dataclass(slots=True)
class Memory:
    """What was told of problems, and what the API server answered last, until the snapshot knows it too.

    That nothing is wrong was told too, where no problem is remembered: it is something else than to know nothing.
    """

    _told: dict[str, tuple[str, frozenset[NewEvent]] | str] = field(default_factory=dict)
    """By the object's key: its uid, and its problems where it has any."""
    _answered: dict[str, tuple[Live, float]] = field(default_factory=dict)

    def newest(self, key: str, live: Live, now: float) -> Live:
        """What is known of the object in the cluster: the answer to our write, while the snapshot is older.

        Not for long: where an older state of the cluster was restored, the snapshot is right.
        """
        answered, at = self._answered.get(key, (live, now))
        if is_older(live, answered) and now - at < ANSWER_COUNTS:
            return answered
        self._answered.pop(key, None)
        return live

    def answered(self, key: str, live: Live, now: float) -> None:
        """The API server says that the object is so now."""
        self._answered[key] = live, now

    def heard(self, key: str, live: Live) -> None:
        """The snapshot says so of the object by now: an answer that is not newer is not needed any more."""
        answered = self._answered.get(key)
        if answered is not None and not is_older(live, answered[0]):
            del self._answered[key]

    def told(self, key: str, uid: str) -> frozenset[NewEvent] | None:
        """The problems that were told, and are not solved as far as anybody was told; None: nobody remembers."""
        told = self._told.get(key, "")
        of, news = (told, _NOTHING) if isinstance(told, str) else told
        return news if of == uid else None

    def tell(self, key: str, uid: str, news: frozenset[NewEvent]) -> None:
        """These problems of the object with this uid, and no others, are known to everybody now."""
        self._told[key] = (uid, news) if news else uid

    def forget(self, key: str) -> None:
        """The object is gone."""
        self._told.pop(key, None)
        self._answered.pop(key, None)


def look(wanted: Wanted, live: Live, known: frozenset[NewEvent], waited: float, now: str) -> Deed | Later | None:
    """What an object lacks; None when nothing can be done before something changes.

    Args:
        wanted: what its status should say.
        live: what the cluster says of it.
        known: the problems that everybody knows of.
        waited: seconds for which this has been wanted.
        now: the time, RFC 3339.
    """
    if not _is_about(wanted, live):
        return None
    patience = _patience(wanted, live)
    if waited < patience:
        return Later(patience - waited)
    return Deed(_news(wanted, known), _to_apply(live.status, wanted, now))


def amended(wanted: Wanted | None, live: Live, now: str) -> JSONObject | None:
    """What has to become of a shared status that is so by now; None: nothing. `wanted`: None where ours is to go."""
    if wanted is None:
        return without_ours(live.status)
    return gateway_to_write(live.status, wanted.status, now) if _is_about(wanted, live) else None


def _is_about(wanted: Wanted, live: Live) -> bool:
    """Whether it is not about an earlier object or version: then what is to be said of the present one comes soon."""
    return wanted.uid == live.uid and _generation_of(wanted) >= live.generation


def _to_apply(live: JSONObject, wanted: Wanted, now: str) -> JSONObject | None:
    """What has to be written: a status with conditions of ours is one of our kinds, any other that of an Ingress."""
    if wanted.is_shared:
        return gateway_to_write(live, wanted.status, now)
    return (status_to_apply if is_ours(wanted.status) else ingress_to_apply)(live, wanted.status, now)


def _patience(wanted: Wanted, live: Live) -> float:
    should, there = (_programmed(status) for status in (wanted.status, live.status))
    if should.get("status") != "Unknown":
        return 0.0
    had = there.get("status") == "True" and there.get(_GENERATION) == should.get(_GENERATION)
    return LONG_PATIENCE if had else PATIENCE


def _programmed(status: JSONObject) -> JSONObject:
    """What a status says of Envoy's word: Knative's has the generation beside its conditions."""
    conditions = conditions_of(status)
    of_knative = conditions.get("NetworkConfigured", {}) | {_GENERATION: status.get(_GENERATION)}
    return conditions.get("Programmed", of_knative)


def known_before(live: Live, told: frozenset[NewEvent] | None) -> frozenset[NewEvent]:
    """The problems that everybody knows of. Where nobody remembers what was told, the status says it."""
    return frozenset(problems_in(live.status)) if told is None else told


def known_after(
    wanted: Wanted, known: frozenset[NewEvent], untold: frozenset[NewEvent] = frozenset()
) -> frozenset[NewEvent]:
    """The problems that everybody knows of, once a look's news are told, but for those that could not be."""
    if _is_well(wanted):
        return known if untold else frozenset()
    now = frozenset(_problems(wanted)) - untold
    return now or known  # none, but not well either: not over until Envoy says so


def _news(wanted: Wanted, known: frozenset[NewEvent]) -> tuple[NewEvent, ...]:
    if wanted.is_shared:
        return ()
    if _is_well(wanted):
        return (recovery(wanted.status),) if known else ()
    return tuple(news for news in _problems(wanted) if news not in known)


def told_only(wanted: Wanted, live: Live, known: frozenset[NewEvent]) -> Deed | None:
    """The news of an object whose status is none of this look's business; None: there are none."""
    news = _news(wanted, known) if _is_about(wanted, live) else ()
    return Deed(news, None) if news else None


def _problems(wanted: Wanted) -> tuple[NewEvent, ...]:
    if wanted.news is None:
        return problems_in(wanted.status)
    return tuple(dict.fromkeys(NewEvent("Warning", reason, message) for reason, message in wanted.news))


def _is_well(wanted: Wanted) -> bool:
    return is_well(wanted.status) if wanted.news is None else not wanted.news


def _generation_of(wanted: Wanted) -> int:
    generations: list[int] = [each.get(_GENERATION, 0) for each in conditions_of(wanted.status).values()]
    return max((wanted.generation, *generations))

"""Changes as traces: a span for each part that had to do with it, and for each exchange with Envoy. Pure.

change                                          heard of .. answered for
  watcher: read                                 heard of .. written, one for each commit of objects
  translator: translate                         taken in .. written
  adsserver: deliver                            taken in .. answered for
    ADS listener, ADS route ...                 sent .. answered
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, TypeAlias

from diagnostics.traces.assembling import NAMED, Change, Exchange, Heard

MOST_READS: Final = 20
MOST_EXCHANGES: Final = 100
"""Spans of a trace, of each sort; of the others the number is told."""

Value: TypeAlias = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A span; times are Unix times. `error`: what went wrong; None: nothing."""

    span_id: str
    parent_id: str
    name: str
    start: float
    end: float
    attributes: Mapping[str, Value] = field(default_factory=dict)
    error: str | None = None
    is_client: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of a change, the one of the whole first; the others in the order of their beginnings."""

    trace_id: str
    spans: tuple[Span, ...]


def trace_of(change: Change, instance: str) -> Trace:
    """The trace of a change in this instance: the same whoever asks, and whenever."""
    trace_id = blake2b(f"{instance} {change.last} {change.began!r}".encode(), digest_size=16).hexdigest()
    ids = _ids(trace_id)
    root, deliver = next(ids), next(ids)
    below = [
        *(_read(next(ids), root, each) for each in change.heard[:MOST_READS]),
        _translate(next(ids), root, change),
    ]
    if change.delivered is not None and change.served is not None:
        below.append(Span(deliver, root, "adsserver: deliver", change.delivered, change.served, error=_refusal(change)))
        below += [_exchange(next(ids), deliver, each) for each in change.exchanges[:MOST_EXCHANGES]]
    last = max(span.end for span in below)
    whole = Span(root, "", "change", change.began, last, _whole(change), _refusal(change) or _stop(change))
    return Trace(trace_id, (whole, *sorted(below, key=lambda span: span.start)))


def _ids(trace_id: str) -> Iterator[str]:
    for number in range(2 + MOST_READS + 1 + MOST_EXCHANGES):
        yield blake2b(f"{trace_id} {number}".encode(), digest_size=8).hexdigest()


def _read(span_id: str, parent_id: str, heard: Heard) -> Span:
    told: dict[str, Value] = {
        "dragoman.objects": heard.keys,
        "dragoman.objects.count": heard.count,
        "dragoman.snapshot.objects": heard.sequence,
    }
    return Span(span_id, parent_id, "watcher: read", heard.since, heard.at, told)


def _translate(span_id: str, parent_id: str, change: Change) -> Span:
    told: dict[str, Value] = {f"dragoman.resources.{kind}": count for kind, count in sorted(change.types.items())}
    if change.resources is not None:
        told["dragoman.snapshot.resources"] = change.resources
    if change.stopped is not None:
        told["dragoman.objects.stopped"] = change.stopped.count
    return Span(span_id, parent_id, "translator: translate", change.taken, change.translated, told, _stop(change))


def _exchange(span_id: str, parent_id: str, each: Exchange) -> Span:
    told: dict[str, Value] = {
        "dragoman.resources.type": each.kind,
        "dragoman.resources.changed": each.changed,
        "dragoman.resources.removed": each.removed,
    }
    return Span(span_id, parent_id, f"ADS {each.kind}", each.sent, each.answered, told, each.reason, is_client=True)


def _whole(change: Change) -> dict[str, Value]:
    keys = tuple(dict.fromkeys(key for each in change.heard for key in each.keys))[:NAMED]
    told: dict[str, Value] = {
        "dragoman.objects": keys,
        "dragoman.objects.count": sum(each.count for each in change.heard),
        "dragoman.resources.count": sum(change.types.values()),
        "dragoman.answered": change.served is not None or change.resources is None,
    }
    if len(keys) == 1 and keys[0].count("/") >= 3:
        _, kind, namespace, name = keys[0].split("/", 3)
        told |= {"dragoman.object.kind": kind, "dragoman.object.namespace": namespace, "dragoman.object.name": name}
    left_out = len(change.heard[MOST_READS:]) + len(change.exchanges[MOST_EXCHANGES:])
    return told | ({"dragoman.spans.left_out": left_out} if left_out else {})


def _refusal(change: Change) -> str | None:
    reasons = list(_reasons(change.exchanges))
    return f"Envoy refuses {reasons[-1]}" if reasons else None


def _reasons(exchanges: Iterable[Exchange]) -> Iterator[str]:
    for each in exchanges:
        if each.reason is not None:
            yield f"{each.kind}: {each.reason}"


def _stop(change: Change) -> str | None:
    stopped = change.stopped
    if stopped is None:
        return None
    more = f", and {stopped.count - 1:,} more are stopped" if stopped.count > 1 else ""
    return f"{stopped.key}: {stopped.reason}{more}"

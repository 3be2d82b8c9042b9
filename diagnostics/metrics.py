"""Our own metrics, in Prometheus' text format. Envoy's follow them: its names all begin with `envoy_`, ours never do.

What there is of them says `diagnostics.families`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from diagnostics import families
from diagnostics.families import Family
from diagnostics.numbers import Numbers, Served
from diagnostics.report import System
from diagnostics.view import View
from process.vitals import Vitals

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Counted:
    """What the snapshot says at a moment, in numbers."""

    numbers: Numbers
    connected: bool

    @classmethod
    def of(cls, view: View) -> "Counted":
        """What this view says now."""
        return cls(view.numbers, view.connection.connected)


def own_metrics(
    counted: Counted | None, system: System, vitals: Vitals, spans: Mapping[str, int], *, answers: bool
) -> bytes:
    """Our metrics as text; `counted` None: the snapshot cannot be read. `answers`: whether Envoy does.

    `spans`: how many were sent to a collector, by their outcome.
    """
    registry = CollectorRegistry()
    registry.register(_Families(counted, system, vitals, spans, answers=answers))
    ProcessCollector(namespace="ambassador", registry=registry)
    return generate_latest(registry)


class _Families(Collector):
    """What is registered: but for spans nothing is counted in this process, all is read from the snapshot."""

    def __init__(
        self, counted: Counted | None, system: System, vitals: Vitals, spans: Mapping[str, int], *, answers: bool
    ) -> None:
        self._counted = counted
        self._vitals = vitals
        self._spans = spans
        self._answers = answers
        self._info = {"version": system.version, "ambassador_id": system.ambassador_id}

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield InfoMetricFamily(families.INFO.name, families.INFO.text, value=self._info)
        yield _one(families.ENVOY_UP, int(self._answers))
        yield _labelled(families.HUNG, dict.fromkeys(self._vitals.hung, 1.0))
        yield _counter(families.HUNG_REPLACED, self._vitals.replaced)
        yield _counter(families.TRACE_SPANS, self._spans)
        if self._counted is not None:
            yield _one(families.ENVOY_CONNECTED, int(self._counted.connected))
            yield from _of_objects(self._counted.numbers)
            yield from _of_resources(self._counted.numbers)
            yield from _of_changes(self._counted.numbers.served)


def _of_objects(seen: Numbers) -> Iterator[Metric]:
    yield _labelled(families.OBJECTS, seen.objects)
    yield _one(families.PENDING, seen.pending)
    yield _one(families.UNREADABLE_FILES, seen.files)
    yield _one(families.PROBLEMS, seen.stopping + seen.others)
    yield _by_labels(families.OBJECT_PROBLEMS, _problems(seen))
    yield _one(families.LEFT_OUT, seen.more_troubled)
    yield _one(families.ERRORS, seen.stopping)
    yield _one(families.NOTICES, seen.others)


def _problems(seen: Numbers) -> Iterator[tuple[tuple[str, ...], float]]:
    for object_ in seen.troubled:
        _, kind, namespace, name = object_.key.split("/", 3)
        for stops, count in (("true", object_.stopping), ("false", object_.others)):
            if count:
                yield (kind, namespace, name, stops), count


def _of_resources(seen: Numbers) -> Iterator[Metric]:
    yield _labelled(families.RESOURCES, seen.resources)
    yield _labelled(families.UNANSWERED, seen.unanswered)
    yield _one(families.REFUSED_RESOURCES, seen.refused)
    yield _labelled(families.SEQUENCE, seen.sequences)


def _of_changes(served: Served) -> Iterator[Metric]:
    yield _counter(families.REFUSALS, served.refused)
    bounds = [*map(str, served.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(served.classes), strict=False))
    if buckets:
        text = families.CHANGE_SECONDS.text
        yield HistogramMetricFamily(families.CHANGE_SECONDS.name, text, buckets=buckets, sum_value=served.seconds)
    if served.last is not None:
        yield _one(families.LAST_CHANGE, served.last)


def _one(family: Family, value: float) -> Metric:
    return GaugeMetricFamily(family.name, family.text, value=value)


def _labelled(family: Family, values: Mapping[str, float]) -> Metric:
    return _by_labels(family, (((key,), value) for key, value in sorted(values.items())))


def _by_labels(family: Family, values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.text, labels=family.labels)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric


def _counter(family: Family, values: Mapping[str, float]) -> Metric:
    metric = CounterMetricFamily(family.name, family.text, labels=family.labels)
    for key, value in sorted(values.items()):
        metric.add_metric([key], value)
    return metric

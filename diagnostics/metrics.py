"""Our own metrics, in Prometheus' text format. Envoy's follow them: its names all begin with `envoy_`, ours never do.

`ambassador_diagnostics_*` and `ambassador_process_*` are Emissary's names, so that its dashboards keep working.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from diagnostics.report import System
from diagnostics.view import Numbers, View
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


def own_metrics(counted: Counted | None, system: System, vitals: Vitals, *, answers: bool) -> bytes:
    """Our metrics as text; `counted` None: the snapshot cannot be read. `answers`: whether Envoy does."""
    registry = CollectorRegistry()
    registry.register(_Families(counted, system, vitals, answers=answers))
    ProcessCollector(namespace="ambassador", registry=registry)
    return generate_latest(registry)


class _Families(Collector):
    """What is registered: nothing is counted in this process, all is read from the snapshot."""

    def __init__(self, counted: Counted | None, system: System, vitals: Vitals, *, answers: bool) -> None:
        self._counted = counted
        self._vitals = vitals
        self._answers = answers
        self._info = {"version": system.version, "ambassador_id": system.ambassador_id}

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield InfoMetricFamily("ambassador_diagnostics", "What runs here.", value=self._info)
        yield _one("dragoman_envoy_up", "Whether Envoy's admin interface answers.", int(self._answers))
        hung = dict.fromkeys(self._vitals.hung, 1.0)
        yield _labelled("dragoman_hung", "The parts that hang, or begin again since they hung.", "part", hung)
        text = "How often a part was replaced since it hung."
        replaced = CounterMetricFamily("dragoman_hung_replaced", text, labels=["part"])
        for part, count in sorted(self._vitals.replaced.items()):
            replaced.add_metric([part], count)
        yield replaced
        if self._counted is not None:
            connected = int(self._counted.connected)
            yield _one("dragoman_envoy_connected", "Whether Envoy is connected to the ADS server.", connected)
            yield from _families(self._counted.numbers)


def _families(seen: Numbers) -> Iterator[Metric]:
    yield _labelled("dragoman_objects", "Objects that were read, by kind.", "kind", seen.objects)
    yield _one("dragoman_unreadable_files", "Files of objects that cannot be read.", seen.files)
    yield _one("dragoman_problems", "Problems of objects and files.", seen.stopping + seen.others)
    yield _one("ambassador_diagnostics_errors", "Problems that stop what they are about.", seen.stopping)
    yield _one("ambassador_diagnostics_notices", "Problems that stop nothing.", seen.others)
    yield _labelled("dragoman_resources", "Resources published for Envoy, by type.", "type", seen.resources)
    yield _one("dragoman_refused_resources", "Resources of which Envoy refuses the newest version.", seen.refused)
    commits = "Commits of each database of the snapshot."
    yield _labelled("dragoman_snapshot_sequence", commits, "database", seen.sequences)


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family

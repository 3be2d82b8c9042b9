"""The metrics that Dragoman itself has: their names, what they say and what for. docs/metrics.md is made of this.

`ambassador_diagnostics_*` and `ambassador_process_*` are Emissary's names, so that its dashboards keep working.
"""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Family:
    """A metric; a counter's name is said without its `_total`, which it has in the text. `use`: what for."""

    name: str
    sort: Literal["gauge", "counter", "histogram", "info"]
    text: str
    labels: tuple[str, ...] = ()
    use: str = ""


INFO: Final = Family("ambassador_diagnostics", "info", "What runs here.", ("version", "ambassador_id"))
ENVOY_UP: Final = Family("dragoman_envoy_up", "gauge", "Whether Envoy's admin interface answers.")
ENVOY_CONNECTED: Final = Family(
    "dragoman_envoy_connected",
    "gauge",
    "Whether Envoy is connected to the ADS server.",
    use="0 for minutes: changes are not served; what was served before still is.",
)
HUNG: Final = Family("dragoman_hung", "gauge", "The parts that hang, or begin again since they hung.", ("part",))
HUNG_REPLACED: Final = Family(
    "dragoman_hung_replaced",
    "counter",
    "How often a part was replaced since it hung.",
    ("part",),
    use="Alert when it grows again and again.",
)
OBJECTS: Final = Family("dragoman_objects", "gauge", "Objects that were read, by kind.", ("kind",))
PENDING: Final = Family(
    "dragoman_pending_objects",
    "gauge",
    "Objects that the translator has not judged yet.",
    use="More than 0 for longer than a minute: the translator does not keep up, or does not run.",
)
UNREADABLE_FILES: Final = Family("dragoman_unreadable_files", "gauge", "Files of objects that cannot be read.")
PROBLEMS: Final = Family("dragoman_problems", "gauge", "Problems of objects and files.")
OBJECT_PROBLEMS: Final = Family(
    "dragoman_object_problems",
    "gauge",
    "Problems of an object; those that stop it, and others. Objects without one are not listed.",
    ("kind", "object_namespace", "object_name", "stops"),
    use='Alert the team that owns the namespace on stops="true".',
)
LEFT_OUT: Final = Family(
    "dragoman_object_problems_left_out", "gauge", "Objects with problems beyond the 1,000 that are listed."
)
ERRORS: Final = Family("ambassador_diagnostics_errors", "gauge", "Problems that stop what they are about.")
NOTICES: Final = Family("ambassador_diagnostics_notices", "gauge", "Problems that stop nothing.")
RESOURCES: Final = Family("dragoman_resources", "gauge", "Resources published for Envoy, by type.", ("type",))
UNANSWERED: Final = Family(
    "dragoman_unanswered_resources",
    "gauge",
    "Published resources of whose newest version Envoy has said nothing yet.",
    ("type",),
    use="How much is on its way. What Envoy has no use for, and does not ask for, is not counted.",
)
REFUSED_RESOURCES: Final = Family(
    "dragoman_refused_resources",
    "gauge",
    "Resources of which Envoy refuses the newest version.",
    use="Alert on more than 0 for longer than a minute.",
)
REFUSALS: Final = Family(
    "dragoman_refusals",
    "counter",
    "Versions of resources that Envoy refused (NACK), since the ADS server began.",
    ("type",),
)
CHANGE_SECONDS: Final = Family(
    "dragoman_change_seconds",
    "histogram",
    "From when the watcher heard of a change until Envoy had answered for all that it led to.",
    use="Its upper quantiles are what people wait for after `kubectl apply`. What is heard of together counts as one "
    "change, and what changes nothing for Envoy as none.",
)
LAST_CHANGE: Final = Family(
    "dragoman_last_change_timestamp_seconds", "gauge", "When Envoy had answered for the last change (Unix time)."
)
TRACE_SPANS: Final = Family(
    "dragoman_trace_spans",
    "counter",
    "Spans of traces of changes, where these go to a collector: those that were sent, and those that never will be.",
    ("outcome",),
    use='Alert when outcome="dropped" grows.',
)
SEQUENCE: Final = Family(
    "dragoman_snapshot_sequence",
    "gauge",
    "Commits of each database of the snapshot.",
    ("database",),
    use="How much changes.",
)

FAMILIES: Final = (
    INFO, ENVOY_UP, ENVOY_CONNECTED, HUNG, HUNG_REPLACED,
    OBJECTS, PENDING, UNREADABLE_FILES, PROBLEMS, OBJECT_PROBLEMS, LEFT_OUT, ERRORS, NOTICES,
    RESOURCES, UNANSWERED, REFUSED_RESOURCES, REFUSALS, CHANGE_SECONDS, LAST_CHANGE, TRACE_SPANS, SEQUENCE,
)  # fmt: skip

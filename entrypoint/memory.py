"""How much memory the container may use, as the kernel tells it: control groups, version 2 or 1.

Envoy's overload manager needs a number at which its heap counts as full. The smallest limit of the process's own group
and of those above it rules; inside a container only the group mounted at the root may be visible.
"""

from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 1 << 60
"""Version 1 writes no limit as a number near 2^63; no machine has an exbibyte."""

_OTHERS_PERCENT, _OTHERS_MOST = 42, 2 << 30
"""What all beside Envoy may need of the limit: 175 MiB, and 33 for each 1,000 Mappings (docs/sizing.md), where the
limit goes with the number of Mappings too. The second, in bytes: what is above it is there for the traffic."""


def envoy_heap(limit: int | None) -> int | None:
    """Envoy's share of a container's limit, in bytes: what the others leave. None without a limit."""
    return None if limit is None else limit - min(limit * _OTHERS_PERCENT // 100, _OTHERS_MOST)


def memory_limit(root: Path = Path("/sys/fs/cgroup"), groups: Path = Path("/proc/self/cgroup")) -> int | None:
    """The smallest memory limit that holds for this process, in bytes; None when there is none or none can be read."""
    try:
        lines = groups.read_text().splitlines()
    except OSError:
        return None
    found = [limit for file in _limit_files(root, lines) if (limit := _read(file)) is not None]
    return min(found, default=None)


def _limit_files(root: Path, lines: list[str]) -> Iterator[Path]:
    """The files that may hold a limit; lines of /proc/PID/cgroup are `number:controllers:path` (cgroups(7))."""
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = top / path.lstrip("/")
        yield from (folder / name for folder in (group, *group.parents) if folder.is_relative_to(top))


def _read(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() and int(text) < _UNLIMITED else None

"""What is in the image, by folder and large file: `docker run ... python3 - <tests/image/weigh.py` (docs/image.md).

A folder is told by its parts where these are large enough. It needs nothing but Python, so that it runs in the image.
"""

import os
import sys
from pathlib import Path

LARGE = 1_000_000
"""Bytes from which on a part is told by itself."""

DIVIDED = 8_000_000
"""Bytes from which on a folder is told by its parts."""


def weigh(root: Path) -> dict[str, int]:
    """The bytes of files below a root, by their paths in it; one with several names counts once."""
    seen: set[tuple[int, int]] = set()
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not Path(folder, name).is_mount())
        for name in sorted(names):
            path = Path(folder, name)
            status = path.lstat()
            file = (status.st_dev, status.st_ino)
            if path.is_symlink() or file in seen:
                continue
            seen.add(file)
            found[f"/{path.relative_to(root)}"] = status.st_size
    return found


def parts(files: dict[str, int]) -> dict[str, int]:
    """The same bytes by folders and large files, each counted once; a folder with a star is what is left of it."""
    told, left = _parts("", files)
    return {**told, "/*": left}


def _parts(folder: str, files: dict[str, int]) -> tuple[dict[str, int], int]:
    """The parts, and what is too little to be told here: its parent has it."""
    inside: dict[str, dict[str, int]] = {}
    for path, size in files.items():
        inside.setdefault(path.removeprefix(f"{folder}/").partition("/")[0], {})[path] = size
    told: dict[str, int] = {}
    rest = 0
    for name, found in sorted(inside.items()):
        path, size = f"{folder}/{name}", sum(found.values())
        if size < LARGE:
            rest += size
        elif size < DIVIDED or path in found:
            told[path] = size
        else:
            more, left = _parts(path, found)
            told |= more
            rest += left
    if rest < LARGE or not folder:
        return told, rest
    return {**told, f"{folder}/*": rest}, 0


def table(weights: dict[str, int]) -> str:
    """Rows of Markdown, the heaviest first, in MB of a million bytes."""
    rows = sorted(weights.items(), key=lambda row: -row[1])
    return "\n".join(f"| `{path}` | {size / 1e6:.1f} |" for path, size in [*rows, ("all", sum(weights.values()))])


if __name__ == "__main__":
    sys.stdout.write(table(parts(weigh(Path("/")))) + "\n")

"""`python -m crds`: write the files of `deploy/` and `charts/` that are made, and name them."""

from collections.abc import Mapping
from pathlib import Path

from crds.charts import ROOT, chart_files
from crds.files import FOLDER, files


def main() -> None:
    """Write them anew."""
    _write(FOLDER, files())
    _write(ROOT, chart_files())  # made of the former


def _write(folder: Path, made: Mapping[str, str]) -> None:
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(ROOT))  # noqa: T201 -- a recipe that says what it did


if __name__ == "__main__":
    main()

"""`python -m crds`: write the files of `deploy/` and `charts/` that are made, and name them."""

from crds.charts import ROOT, chart_files
from crds.files import FOLDER, files


def main() -> None:
    """Write them anew."""
    made = {FOLDER / name: text for name, text in files().items()}
    made |= {ROOT / name: text for name, text in chart_files().items()}
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(ROOT))  # noqa: T201 -- a recipe that says what it did


if __name__ == "__main__":
    main()

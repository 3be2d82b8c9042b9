"""`python -m monitoring`: write the alerts and boards that the chart has."""

from monitoring.files import FOLDER, files


def main() -> None:
    """Write them anew."""
    for name, text in files().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(FOLDER.parents[2]))  # noqa: T201 -- a recipe that says what it did


if __name__ == "__main__":
    main()

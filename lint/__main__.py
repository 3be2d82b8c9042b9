"""`python -m lint`: write the pages of docs/lint that are made, and name those that are new or gone."""

from lint.pages import FOLDER, pages


def main() -> None:
    """Write them anew; pages of codes that are no more go."""
    index = FOLDER / "README.md"
    made = pages(index.read_text())
    for path in FOLDER.glob("DRG*.md"):
        if path.name not in made:
            path.unlink()
            print(f"gone: {path.name}")  # noqa: T201 -- a recipe that says what it did
    for name, text in made.items():
        if not (FOLDER / name).exists():
            print(f"new: {name}")  # noqa: T201
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()

"""`python -m diagnostics.page`: write the table in docs/metrics.md anew, from `diagnostics.families`."""

from pathlib import Path
from typing import Final

from diagnostics.families import FAMILIES, Family

PAGE: Final = Path(__file__).parents[1] / "docs/metrics.md"

_BEGIN: Final = "<!-- made by `make metrics` -->\n"
_END: Final = "<!-- end of what is made -->\n"


def page(text: str) -> str:
    """The page with its table made anew; the rest stays as it is. ValueError where the table's place is not marked."""
    before, found, rest = text.partition(_BEGIN)
    _, ends, after = rest.partition(_END)
    if not (found and ends):
        raise ValueError(f"{PAGE.name} does not say where its table begins and ends")
    rows = "".join(f"| `{_shown(each)}` | {each.sort} | {_said(each)} |\n" for each in FAMILIES)
    return f"{before}{_BEGIN}| metric | type | what it says |\n|---|---|---|\n{rows}{_END}{after}"


def _shown(family: Family) -> str:
    name = family.name + {"counter": "_total", "info": "_info"}.get(family.sort, "")
    return name + (f"{{{', '.join(family.labels)}}}" if family.labels else "")


def _said(family: Family) -> str:
    return f"{family.text} {family.use}".strip()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))

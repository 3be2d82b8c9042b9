"""The table of ingress-nginx's annotations for people, made of the code's own list.

`python -m tests.support.nginx_page` writes it into the page; a test holds the page to it.
"""

from typing import Final

from tests.support.part import ROOT
from translator.ingress.nginx import NAMES
from translator.ingress.nginx.part import Annotation

PAGE: Final = ROOT / "docs" / "migrating-from-ingress-nginx.md"
BEGIN: Final = "<!-- made of translator/ingress/nginx by python -m tests.support.nginx_page -->\n"


def tables() -> str:
    """What is served, with the test that proves each line, and what is not."""
    served = [each for each in NAMES.values() if not each.instead]
    told = [each for each in NAMES.values() if each.instead]
    lines = ["", "### Served", "", "| annotation | | proven by |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {_cell(each.does)} | {_link(each)} |" for each in served]
    lines += ["", "### Told on the Ingress, and not served", "", "| annotation | instead |", "|---|---|"]
    lines += [f"| `{each.name}` | {_cell(each.instead)} |" for each in told]
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """The page with its tables."""
    return page.partition(BEGIN)[0] + BEGIN + tables()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _link(annotation: Annotation) -> str:
    file, _, test = annotation.proof.partition("::")
    return f"[{test}](../{file})"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))

"""The pages of docs/lint: one for each code, made of its definition, and the list in the page about the command."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lint import problems
from lint.catalog import CODES
from lint.findings import Code

FOLDER: Final = Path(__file__).parent.parent / "docs" / "lint"
BEGIN: Final = "<!-- made by `make lintdocs` from here -->"
END: Final = "<!-- to here -->"

_GROUPS: Final[Mapping[str, str]] = {
    "DRG00": "Dragoman itself",
    "DRG01": "Reading",
    "DRG02": "Wrong in itself",
    "DRG03": "What is named",
    "DRG04": "Conflicts",
    "DRG05": "Nothing leads there",
    "DRG06": "TLS and certificates",
    "DRG07": "Without effect, and advice",
    "DRG09": "Silences",
}


def pages(index: str) -> dict[str, str]:
    """By their names in the folder, the texts of all pages; `index` is the present text of README.md."""
    before, _, rest = index.partition(BEGIN)
    _, _, after = rest.partition(END)
    return {
        "README.md": f"{before}{BEGIN}\n\n{_list()}\n{END}{after}",
        **{f"{code.id}.md": page(code) for code in CODES.values()},
    }


def page(code: Code) -> str:
    """The page about a code."""
    parts = [
        f"# {code.id}: {code.title}",
        f"*{_severity(code)}* - made by `make lintdocs` of the code's own definition.",
        _wrapped(code.why),
        _wrapped(f"**To mend it:** {code.mend}"),
    ]
    if code.wrong:
        parts += ["Told of this:", _yaml(code.wrong)]
        if code.right:
            parts += ["And not of this:", _yaml(code.right)]
    parts.append(
        f"To silence it: [silences](README.md#silences), such as `# dragoman: ignore {code.id} and the reason`."
    )
    return "\n\n".join(parts) + "\n"


def _severity(code: Code) -> str:
    said = code.severity.capitalize()
    if code.id not in problems.JUDGED:
        return said
    other = "a warning where it does not stop" if code.severity == "error" else "an error where it stops"
    return f"{said}; {other} the object"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _yaml(text: str) -> str:
    return f"```yaml\n{text.removeprefix('---' + chr(10)).rstrip()}\n```"


def _list() -> str:
    parts = []
    for group, title in _GROUPS.items():
        rows = [f"| [{code.id}]({code.id}.md) | {code.title} | {code.severity} |" for code in _of(group)]
        parts.append("\n".join([f"### {title}", "", "| code | what | severity |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _of(group: str) -> list[Code]:
    return [code for code in CODES.values() if code.id.startswith(group)]

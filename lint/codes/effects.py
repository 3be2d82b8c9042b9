"""DRG07, the problems among them: what is served, and otherwise than it is meant."""

from typing import Final

from lint.findings import Code


def _mapping(*lines: str) -> str:
    spec = "".join(f"  {line}\n" for line in ('hostname: "*"', "service: quote", *lines))
    return f"apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: quote\nspec:\n{spec}"


VAIN: Final = Code(
    id="DRG0701",
    title="something without the effect that is meant",
    severity="warning",
    why="The object is served, but this field has no effect, or not the one that it seems to have.",
    mend="Remove the field, or change what stands in its way, as the message says.",
    wrong=_mapping("prefix: /quote/", "prefix_redirect: /other/"),
    right=_mapping("prefix: /quote/", "prefix_redirect: /other/", "host_redirect: true"),
)
IDLE: Final = Code(
    id="DRG0702",
    title="field that has no effect in this version",
    severity="warning",
    why="The field is known, but nothing is done with it: see docs/differences-from-emissary.md.",
    mend="Remove the field.",
    wrong=_mapping("prefix: /quote/", "docs: {path: /docs/}"),
    right=_mapping("prefix: /quote/"),
)
NEVER: Final = Code(
    id="DRG0703",
    title="prefix or hostname that no request has",
    severity="warning",
    why="Paths reach the routes as Envoy has normalized them: percent-encoded, without `.`, `..`, `//` and a query. "
    "What "
    "asks for something else is never asked for, or by hardly anyone.",
    mend="Write the prefix as requests have it; the message says how.",
    wrong=_mapping("prefix: quote/"),
    right=_mapping("prefix: /quote/"),
)

CODES: Final = (VAIN, IDLE, NEVER)

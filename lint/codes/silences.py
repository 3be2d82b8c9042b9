"""DRG09: silences themselves."""

from typing import Final

from lint.findings import Code

UNUSED: Final = Code(
    id="DRG0901",
    title="silence that silences nothing",
    severity="warning",
    why="A comment or an entry of .dragoman-lint.yaml silences a code that is not found there any more. It would hide "
    "the "
    "next one.",
    mend="Remove the silence.",
    wrong="""# dragoman: ignore DRG0703 the prefix is to be changed next week
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: /quote/, hostname: "*", service: quote}
""",
    right="""# dragoman: ignore DRG0703 the prefix is to be changed next week
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: quote/, hostname: "*", service: quote}
""",
)
MISSPELT: Final = Code(
    id="DRG0902",
    title="silence that cannot be understood",
    severity="warning",
    why="A comment begins as a silence, and names no code, a code that there is not, or no reason. It silences "
    "nothing.",
    mend="Write `# dragoman: ignore DRG0703 and the reason`.",
    wrong="""# dragoman: ignore DRG0703
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: quote/, hostname: "*", service: quote}
""",
    right=UNUSED.right,
)

CODES: Final = (UNUSED, MISSPELT)

"""DRG00 and DRG01: Dragoman itself, and what no object can be read from."""

from typing import Final

from lint.findings import Code

RIGHT: Final = """apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: /quote/, hostname: "*", service: quote}
"""

FAILURE: Final = Code(
    id="DRG0001",
    title="Dragoman itself failed",
    severity="error",
    why="A rule of Dragoman's own raised an error while this object was looked at. What that rule would have found is "
    "missing; everything else is told.",
    mend="Nothing in the object: report it, with the object, as a bug of Dragoman.",
)
UNREAD: Final = Code(
    id="DRG0101",
    title="file that cannot be read",
    severity="error",
    why="There is no right to read the file, it is a pipe or a link that leads out of the folder, or reading it "
    "failed. Nothing is known of what is in it, so the exit code is 2.",
    mend="Give the right to read it, put the file itself inside the folder, or take it out.",
)
TEXT: Final = Code(
    id="DRG0102",
    title="text that is no YAML or JSON",
    severity="error",
    why="The document cannot be parsed, or says what YAML allows and Kubernetes does not: a key twice, a key that is "
    "no text, a tag. The rest of the file's documents is read all the same.",
    mend="Correct the syntax at the place that is named.",
    wrong="apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: quote\n",
    right=RIGHT,
)
OBJECT: Final = Code(
    id="DRG0103",
    title="document that is no object",
    severity="error",
    why="Every object of Kubernetes has an apiVersion, a kind and a metadata.name. A document without is none, and "
    "nothing is served of it; so it is with a document of an annotation (getambassador.io/config) that cannot be read.",
    mend="Add what is missing, or take the document out of the folder.",
    wrong="kind: Mapping\nspec: {prefix: /quote/, service: quote}\n",
    right=RIGHT,
)
TWICE: Final = Code(
    id="DRG0104",
    title="object that is there twice",
    severity="error",
    why="Of two documents with the same kind, namespace and name the first by its path counts; the other one has no "
    "effect. In a cluster the one that was applied last would win, whichever that is.",
    mend="Give one of the two another name, or remove it.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: /quote/, hostname: "*", service: quote}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: /other/, hostname: "*", service: other}
""",
    right="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: /quote/, hostname: "*", service: quote}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: other}
spec: {prefix: /other/, hostname: "*", service: other}
""",
)
EXCESS: Final = Code(
    id="DRG0105",
    title="more than there may be",
    severity="error",
    why="A file, a document or an object goes over one of the bounds of docs/folder.md, so that it is not read.",
    mend="Split the file, or raise the bound that is named.",
    wrong="a: " + "[" * 101 + "]" * 101 + "\n",
    right=RIGHT,
)

CODES: Final = (FAILURE, UNREAD, TEXT, OBJECT, TWICE, EXCESS)

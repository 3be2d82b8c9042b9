"""DRG02: what is wrong with an object in itself."""

from typing import Final

from lint.findings import Code


def _mapping(*lines: str) -> str:
    spec = "".join(f"  {line}\n" for line in ('hostname: "*"', *lines))
    return f"apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: quote\nspec:\n{spec}"


GOOD: Final = _mapping("prefix: /quote/", "service: quote")

UNKNOWN: Final = Code(
    id="DRG0201",
    title="field that nobody knows",
    severity="warning",
    why="No field has this name: it is a slip of the pen, or another version's. The API server keeps it, and warns; it "
    "has no effect.",
    mend="Correct the name, or remove the field.",
    wrong=_mapping("prefix: /quote/", "service: quote", "timeout: 3000"),
    right=_mapping("prefix: /quote/", "service: quote", "timeout_ms: 3000"),
)
TYPE: Final = Code(
    id="DRG0202",
    title="value of another type",
    severity="error",
    why="The field takes values of another type; the API server refuses the object, and Dragoman does not serve it. "
    "YAML reads `true`, `no`, `1.0` and `0123` as booleans and numbers unless they are in quotes.",
    mend="Write a value of the type that is named.",
    wrong=_mapping("prefix: /quote/", "service: quote", "timeout_ms: soon"),
    right=_mapping("prefix: /quote/", "service: quote", "timeout_ms: 3000"),
)
CHOICE: Final = Code(
    id="DRG0203",
    title="value that is none of the choices",
    severity="error",
    why="The field takes some words or numbers alone; the API server refuses the object, and Dragoman does not serve "
    "it.",
    mend="Write one of the values that the message names.",
    wrong=_mapping("prefix: /quote/", "service: quote", "host_redirect: true", "redirect_response_code: 300"),
    right=_mapping("prefix: /quote/", "service: quote", "host_redirect: true", "redirect_response_code: 302"),
)
RANGE: Final = Code(
    id="DRG0204",
    title="value out of bounds",
    severity="error",
    why="A number is too small or too large, or a text or list is too short or too long.",
    mend="Keep within the bounds that the message names.",
    wrong=_mapping("prefix: /quote/", "service: quote", "weight: 101"),
    right=_mapping("prefix: /quote/", "service: quote", "weight: 100"),
)
REQUIRED: Final = Code(
    id="DRG0205",
    title="required field that is missing",
    severity="error",
    why="An object without this field means nothing: the API server refuses it, and Dragoman does not serve it.",
    mend="Add the field.",
    wrong=_mapping("prefix: /quote/"),
    right=GOOD,
)
FORM: Final = Code(
    id="DRG0206",
    title="text of the wrong form",
    severity="error",
    why="The value has the right type, but means nothing: a header that is no name, a regular expression that Envoy's "
    "engine (RE2) does not take, a service that cannot be read.",
    mend="Write it in the form that the message names.",
    wrong=_mapping("prefix: /quote(", "prefix_regex: true", "service: quote"),
    right=_mapping("prefix: /quote.*", "prefix_regex: true", "service: quote"),
)
TOGETHER: Final = Code(
    id="DRG0207",
    title="fields that do not fit together",
    severity="error",
    why="Each field is right by itself, but not beside the others; or a rule of the gateway's forbids it.",
    mend="Change or remove the field, as the message says.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: old}
spec: {hosts: [a.example.com], min_tls_version: v1.3, max_tls_version: v1.2}
""",
    right=GOOD,
)
UNSERVED: Final = Code(
    id="DRG0208",
    title="kind or version that is not served",
    severity="error",
    why="This version of Dragoman does not read objects of this kind, version or name: they have no effect. See "
    "docs/differences-from-emissary.md.",
    mend="Remove the object, or write what it says in a kind that is served.",
    wrong="apiVersion: getambassador.io/v3alpha1\nkind: DevPortal\nmetadata: {name: portal}\nspec: {}\n",
    right=GOOD,
)
ALIAS: Final = Code(
    id="DRG0209",
    title="field that is said twice",
    severity="warning",
    why="Two names of one field are given; the first is used, and the other has no effect.",
    mend="Keep the name that the message says is used.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: strict}
spec: {hosts: [a.example.com], min_tls_version: v1.2, minTlsVersion: v1.3}
""",
    right=GOOD,
)
MORE: Final = Code(
    id="DRG0210",
    title="more problems than are told",
    severity="warning",
    why="Of one object at most twenty problems are told one by one; the others are counted.",
    mend="Mend those that are told, and look again.",
    wrong=_mapping("prefix: /quote/", "service: quote", *(f"nonsense_{number}: 1" for number in range(21))),
    right=GOOD,
)

CODES: Final = (UNKNOWN, TYPE, CHOICE, RANGE, REQUIRED, FORM, TOGETHER, UNSERVED, ALIAS, MORE)

"""All codes. Each has a page in docs/lint, made of it by `make lintdocs`, and its number is never given away again."""

from collections.abc import Mapping
from typing import Final

from lint.codes import attachment, certificates, conflicts, effects, names, reading, schema, silences
from lint.findings import Code
from lint.rules import RULES

CODES: Final[Mapping[str, Code]] = {
    code.id: code
    for code in sorted(
        (
            *reading.CODES,
            *schema.CODES,
            *names.CODES,
            *conflicts.CODES,
            *attachment.CODES,
            *certificates.CODES,
            *effects.CODES,
            *silences.CODES,
            *(code for rule in RULES for code in rule.codes),
        ),
        key=lambda code: code.id,
    )
}
"""By their ids, in order."""

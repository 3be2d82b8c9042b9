"""ConfigMaps: the CAs that peers are checked against, where an API has them there and not in Secrets."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from translator.kubernetes.secret import MOST_BYTES, Certificate, certificate_of_authorities
from translator.kubernetes.shapes import misshapen_config_map

CA: Final = "ca.crt"
_MOST: Final = f"{MOST_BYTES >> 20} MiB"


def authorities_of(document: Mapping[str, Any]) -> Certificate | None:
    """Read a ConfigMap; None when it says nothing of CAs."""
    if misshapen := misshapen_config_map(document):
        return Certificate(problem=f"{misshapen[0].path}: {misshapen[0].message}", misshapen=misshapen)
    text = (document.get("data") or {}).get(CA)
    if text is None:
        return None
    if len(text) > MOST_BYTES:
        return Certificate(problem=f"data[{CA}]: is larger than {_MOST}, which is more than a ConfigMap may hold")
    return certificate_of_authorities(f"data[{CA}]", text.encode(errors="replace"))


def together(found: Iterable[Certificate | None]) -> Certificate | None:
    """The CAs of several that can be used; of one alone, why it cannot; None when there are none."""
    every = [each for each in found if each is not None]
    texts = [each.ca for each in every if each.problem is None and each.ca]
    if len(every) == 1:
        return every[0]
    if len(texts) > 1 and sum(map(len, texts)) > MOST_BYTES:
        return Certificate(problem=f"all that are named together are larger than {_MOST}: name fewer")
    return Certificate(ca=b"\n".join(texts)) if texts else None

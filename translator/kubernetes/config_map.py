"""ConfigMaps: the CAs that peers are checked against, where an API has them there and not in Secrets."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from translator.kubernetes.secret import Certificate, certificate_of_authorities

CA: Final = "ca.crt"


def authorities_of(document: Mapping[str, Any]) -> Certificate | None:
    """Read a ConfigMap; None when it says nothing of CAs."""
    data = document.get("data")
    text = data.get(CA) if isinstance(data, dict) else None
    return certificate_of_authorities(f"data[{CA}]", text.encode(errors="replace")) if isinstance(text, str) else None


def together(found: Iterable[Certificate | None]) -> Certificate | None:
    """The CAs of several that can be used; None when there are none."""
    texts = [each.ca for each in found if each is not None and each.problem is None and each.ca]
    return Certificate(ca=b"\n".join(texts)) if texts else None

"""The files of `deploy/` that are made: by their path in it, their text."""

from collections.abc import Mapping
from typing import Final

from crds.definitions import current, definition
from crds.kinds import SERVED
from crds.policies import policies
from crds.text import text_of

_MADE: Final = "MADE by `make crds` from the code's own kinds (translator/emissary/kinds): change them there."


def files() -> Mapping[str, str]:
    """What `make crds` writes."""
    return {
        "crds.yaml": text_of(
            f"The kinds that are served, in their version v3alpha1.\n{_MADE}",
            [definition(kind, [current(kind)]) for kind in SERVED],
        ),
        "validation.yaml": text_of(
            "What the API server tells, or refuses, of objects that the schemas let pass. Nothing of ours is asked:\n"
            f"it works while Dragoman is down, and may be left out.\n{_MADE}",
            policies(),
        ),
    }

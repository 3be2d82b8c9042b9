"""Of which objects it is kept what they were before they changed, for people who ask what changed. Pure.

Of what people declare the whole; of what may be secret, and of sources that cannot be read, only that it changed. What
comes and goes with pods is left out: it would soon push out all else, and nobody wrote it.
"""

from typing import Final, Literal

_WHOLE: Final = ("core/Service/",)
_NOTES: Final = ("core/", "dragoman/")
_NOTHING: Final = ("core/Endpoints/", "core/Node/", "core/Pod/", "discovery.k8s.io/", "apps/", "apiextensions.k8s.io/")


def keeps(key: str) -> Literal["whole", "notes", "nothing"]:
    """How much is kept of what the object of a key was."""
    if key.startswith(_NOTHING):
        return "nothing"
    return "notes" if key.startswith(_NOTES) and not key.startswith(_WHOLE) else "whole"

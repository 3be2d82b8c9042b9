"""What a status is about: an object of Kubernetes, be it of whichever API."""

from typing import Final

from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Edition:
    """Which version of which object it is, in Kubernetes' words; from a folder neither is known."""

    uid: str = ""
    generation: int | None = None


UNNAMED: Final = Edition()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a status is about. `is_ours`: for this gateway. `names_secret`: a Host with a certificate."""

    edition: Edition = UNNAMED
    is_ours: bool = True
    names_secret: bool = False

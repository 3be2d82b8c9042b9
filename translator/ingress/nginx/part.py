"""What a group of annotations is, and how it reads them: a file of this folder makes one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from translator.decode import Invalid, Problem, Reason, quote
from translator.ingress.nginx.treatment import Treatment
from translator.values import dataclass

PREFIX: Final = "nginx.ingress.kubernetes.io/"
SHUT: Final = ": requests are answered 503 until it is mended"
_WORDS: Final = {
    **dict.fromkeys(("true", "on", "t", "1"), True),  # as Go reads them
    **dict.fromkeys(("false", "off", "f", "0"), False),
}
_LONGEST_NUMBER: Final = 18


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation, without the prefix: what it does, and the test that proves it, as `file::test`.

    `instead`: it is not served, and this is how to say the same otherwise, or why nobody has to.
    """

    name: str
    does: str = ""
    proof: str = ""
    instead: str = ""


class Said:
    """The annotations of an Ingress, and what is found wrong with them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._problems: list[Problem] = []
        self._shut: list[str] = []
        self._shuts_hosts = False
        self._told: set[str] = set()

    @property
    def told(self) -> frozenset[str]:
        """The names of annotations of which something is told."""
        return frozenset(self._told)

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str) -> str:
        """What is said; empty where nothing is."""
        return self._given.get(name, "").strip()

    def flag(self, name: str, *, otherwise: bool = False) -> bool:
        """Yes or no."""
        if not self.text(name):
            return otherwise
        found = _WORDS.get(self.text(name).lower())
        if found is None:
            self.tell(name, f"must be true or false, not {quote(self.text(name))}")
        return otherwise if found is None else found

    def number(self, name: str, least: int, most: int) -> int | None:
        """A whole number in these bounds; None where there is none."""
        text = self.text(name)
        if not text:
            return None
        is_number = text.isascii() and text.removeprefix("-").isdigit() and len(text) <= _LONGEST_NUMBER
        if is_number and least <= int(text) <= most:
            return int(text)
        self.tell(name, f"must be a whole number from {least} to {most}, not {quote(text)}")
        return None

    def words(self, name: str) -> tuple[str, ...]:
        """What commas separate."""
        return tuple([word.strip() for word in self.text(name).split(",") if word.strip()])

    def checked(self, name: str, check: Callable[[str], str], *, shuts: bool = False) -> str | None:
        """What a check makes of a text; None where there is none, or where it is wrong, which is told."""
        text = self.text(name)
        try:
            return check(text) if text else None
        except Invalid as invalid:
            self.tell(name, invalid.message, shuts=shuts)
            return None

    def tell(
        self, name: str, message: str, *, shuts: bool = False, whole_hosts: bool = False, reason: Reason = "Invalid"
    ) -> None:
        """Something is wrong; `shuts`: so that nothing behind the Ingress may be reached, nor of its `whole_hosts`."""
        self._told.add(name)
        self._shuts_hosts |= whole_hosts
        if shuts:
            self._shut.append(name)
            message += SHUT
        self._problems.append(Problem(f'metadata.annotations["{PREFIX}{name}"]', message, stops=shuts, reason=reason))

    def must_be_looked_at(self, *, whole_hosts: bool = False) -> None:
        """Not everybody is to be let in, so that requests cannot be passed on in TLS as they are."""
        if self.flag("ssl-passthrough"):
            message = "looks at nothing, though not everybody is to be let in"
            self.tell("ssl-passthrough", message, shuts=True, whole_hosts=whole_hosts)

    def treated(self, treatment: Treatment) -> tuple[Treatment, tuple[Problem, ...]]:
        """The treatment, shut where it must be, and all problems."""
        if self._shut:
            treatment = replace(treatment, shut=tuple(self._shut), shuts_hosts=self._shuts_hosts)
        return treatment, tuple(self._problems)


@dataclass(frozen=True, slots=True)
class Group:
    """Annotations that belong together, and what they make of a treatment."""

    annotations: tuple[Annotation, ...]
    read: Callable[[Said, Treatment], Treatment] = lambda _, treatment: treatment

    @property
    def names(self) -> frozenset[str]:
        """Those of its annotations."""
        return frozenset(each.name for each in self.annotations)

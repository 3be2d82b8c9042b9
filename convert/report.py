"""The whole of a conversion: files in, texts and what is told out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from convert.chained import after
from convert.from_ingress.whole import from_ingresses
from convert.reading import Source
from convert.to_emissary.whole import to_emissary
from convert.to_gateway.whole import to_gateway
from convert.values import Converted, Made, Notes, Told, called, plain
from convert.world import World
from convert.writing import written
from process.settings import Settings
from process.text import escaped
from translator.settings import options_of

Report = dict[str, Any]
FRESH: Final = "gateway.yaml"
"""The file of objects that come from none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `proof` is the word of two Envoys, where they were asked."""

    source: Source
    converted: Converted
    texts: tuple[str, ...]
    proof: Report | None = None

    @property
    def lost(self) -> bool:
        """Whether something cannot be said."""
        return any(each.lost for each in self.converted.told)

    @property
    def differ(self) -> bool:
        """Whether something is answered otherwise, and nobody said so."""
        return self.proof is not None and bool(self.proof["differ"])

    @property
    def unread(self) -> bool:
        """Whether a file could not be read."""
        return self.source.side.unread

    def place(self, key: str) -> str:
        """Where an object is written."""
        return self.source.side.places.get(key, "")

    def files(self) -> Mapping[str, str]:
        """The texts by the names of files: an object goes where the first of those was that it comes from."""
        found: dict[str, list[str]] = {}
        last = FRESH
        for made, text in zip(self.converted.made, self.texts, strict=True):
            if made.of:
                at = self.source.read.place_of(made.of[0])
                last = f"{at[0].path.stem}.yaml" if at is not None else FRESH
            found.setdefault(last if made.of else _home(made, last), []).append(text)
        return {name: "---\n".join(texts) for name, texts in found.items()}

    def json(self) -> Report:
        """All of it as JSON."""
        return {
            "objects": [plain(made.document) for made in self.converted.made],
            "replaced": sorted(self.converted.replaced),
            "told": [
                {
                    "object": each.object,
                    "source": self.place(each.object) or None,
                    "field": each.path,
                    "reason": each.reason,
                    "instead": each.instead,
                    "lost": each.lost,
                }
                for each in self.converted.told
            ],
            **({"proof": self.proof} if self.proof is not None else {}),
        }

    def lines(self) -> Iterator[str]:
        """What is told, for a terminal."""
        for each in self.converted.told:
            yield from _line(each, self.place(each.object))
        if self.proof is not None:
            from convert.proving import lines  # noqa: PLC0415

            yield from lines(self.proof)
        lost = sum(each.lost for each in self.converted.told)
        others = len(self.converted.told) - lost
        objects, replaced = len(self.converted.made), len(self.converted.replaced)
        said = "all is said" if not lost else f"{lost} {'thing' if lost == 1 else 'things'} could not be said"
        noted = f", {others} said a little otherwise" if others else ""
        colour = "red" if lost else "green"
        yield click.style(f"{replaced} objects became {objects}: {said}{noted}", fg=colour)


def _home(made: Made, last: str) -> str:
    return FRESH if made.document["kind"] in {"GatewayClass", "Service", "EndpointSlice", "ReferenceGrant"} else last


def _line(told: Told, place: str) -> Iterator[str]:
    where = f" ({place})" if place else ""
    name = click.style(escaped(called(told.object) + where), bold=True)
    path = f" {told.path}:" if told.path else ":"
    word = click.style("not said", fg="red") if told.lost else click.style("otherwise", fg="yellow")
    yield f"{word:<9} {name}{escaped(path)} {escaped(told.reason)}"
    if told.instead != "nothing":
        yield f"          {escaped(told.instead)}"


def outcome(paths: Sequence[Path], target: str, settings: Settings, *, prove: bool = False) -> Outcome:
    """Convert what files hold. SourceError: the Envoys that are to be asked cannot be had."""
    source = Source.of(paths, settings)
    return of_source(source, target, settings, prove=prove)


def everything(world: World) -> Converted:
    """What Gateway API says of all objects: of Emissary's kinds, and of Ingresses."""
    first = to_gateway(world)
    second = from_ingresses(world, has_class=any(made.document["kind"] == "GatewayClass" for made in first.made))
    both = {id(made): made for made in (*first.made, *second.made)}
    return Converted(tuple(both.values()), world.notes.told, first.replaced | second.replaced, first.same)


def of_source(source: Source, target: str, settings: Settings, *, prove: bool = False) -> Outcome:
    """Convert what was read."""
    world = World.of(source.side.objects, options_of(settings), Notes(), source.spelled, source.order)
    converted = after(world, from_ingresses(world), to_emissary) if target == "emissary" else everything(world)
    texts = tuple(written(converted.made, source.comments))
    proof = None
    if prove:
        from convert.proving import proof_of  # noqa: PLC0415

        proof = proof_of(source.side, converted, texts, settings)
    return Outcome(source, converted, texts, proof)

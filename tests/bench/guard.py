"""Guards the CPU of the translator: `python -m tests.bench.guard`, in the tests and in `make bench`.

The translator and the floor take turns in this process on the same objects, a cold start and single changes; no wall
time is looked at. A ratio of 1.5 times the one in guard.json or more is an error. After a change that is meant to cost
or to save, `python -m tests.bench.guard --write` writes this version of Python's ratios there.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import orjson

from tests.bench import floor
from tests.bench.inputs import PER_HOST, documents_of, objects_in
from tests.bench.report import Line
from tests.bench.verdicts import (
    MINOR,
    REFERENCES,
    Cost,
    Ratios,
    Round,
    mean_of,
    median_of,
    ratios,
    read_references,
    reference_of,
    regressions,
    with_reference,
)
from tests.support.certificates import authority
from tests.support.objects import an_object, mapping, tls_secret
from translator.options import Options
from translator.publication import Publication
from translator.quarantine import Verdict
from translator.translation import Translation

T = TypeVar("T")

COLD_HOSTS = 4
STANDING_HOSTS = 40
"""What a change costs must not depend on these, so there are many."""

CHANGES = 20
ROUNDS = 20
MOST_ROUNDS = 60
FLOORS = 10
"""The floor runs so often before a translation and after it, for about as long as that takes: noise is shared."""

LISTENER = {
    "port": 8443,
    "protocol": "HTTPS",
    "securityModel": "XFP",
    "hostBinding": {"namespace": {"from": "ALL"}},
}


class Inputs:
    """The objects of so many Hosts; no other inputs have these names: what is remembered of some helps no others."""

    def __init__(self, number: int, hosts: int) -> None:
        self.hosts = [f"r{number}-h{each}.bench.test" for each in range(hosts)]
        pair = authority().sign("*.bench.test")
        text = an_object("Listener", "https", LISTENER) + tls_secret("bench", pair.certificate, pair.key)
        text += "".join(documents_of(name, PER_HOST, answer="v0.bench.test") for name in self.hosts)
        self.objects = objects_in(text)

    def translated(self) -> tuple[float, Translation]:
        """From nothing: CPU milliseconds, and what Envoy accepted since."""
        translation = Translation(Options(), {})
        spent, publication = _spent(lambda: translation.objects_changed(0.0, self.objects))
        wanted = {f"route/default/https/{each}" for each in self.hosts}
        if publication.failures or not wanted <= publication.resources.keys():
            raise RuntimeError(f"not translated: {publication.failures[:3]}")
        accept(translation, 0.0, publication)
        return spent, translation


class Standing:
    """A translation of many objects, of which one changes at a time."""

    def __init__(self) -> None:
        self._inputs = Inputs(0, STANDING_HOSTS)
        _, self._translation = self._inputs.translated()
        self._parsed: dict[str, dict[str, object]] = {name: {} for name in self._inputs.hosts}
        for body in self._inputs.objects.values():
            document = orjson.loads(body)
            if document["kind"] == "Mapping":
                self._parsed[document["spec"]["hostname"]][document["metadata"]["name"]] = document
        self._number = 0

    def change(self) -> Cost:
        """The next Mapping leads to another address."""
        self._number += 1
        now = float(self._number)
        name = self._inputs.hosts[self._number % STANDING_HOSTS]
        text = mapping(f"{name}-1", name, f"10.{1 + self._number // 250}.{self._number % 250}.1:80", "/m1/")
        ((key, body),) = objects_in(text).items()
        least, _ = _spent(lambda: floor.change(self._parsed[name], body))
        ours, publication = _spent(lambda: change(self._translation, now, key, body))
        if f"route/default/https/{name}" not in publication.resources:
            raise RuntimeError(f"{key} changed nothing")
        return Cost(ours, least)


def a_round(number: int, standing: Standing) -> Round:
    """From nothing, and change by change, each beside the floor."""
    inputs = Inputs(number, COLD_HOSTS)
    gc.collect()
    gc.disable()  # as in the translator's process, where a collection never comes amid a change
    try:
        least = [_floor(inputs) for _ in range(FLOORS)]
        ours, _ = inputs.translated()
        least += [_floor(inputs) for _ in range(FLOORS)]
        cold = Cost(ours, statistics.mean(least))
        return Round(cold, mean_of(standing.change() for _ in range(CHANGES)))
    finally:
        gc.enable()


def _floor(inputs: Inputs) -> float:
    return _spent(lambda: floor.translate(inputs.objects.values()))[0]


def change(translation: Translation, now: float, key: str, body: bytes) -> Publication:
    """One object is another, and Envoy accepts what follows from it."""
    publication = translation.objects_changed(now, {key: body})
    accept(translation, now, publication)
    return publication


def accept(translation: Translation, now: float, publication: Publication) -> None:
    """Envoy accepts what was published."""
    said = {key: Verdict(row.version, None) if row else None for key, row in publication.resources.items()}
    translation.verdicts_changed(now, said)


def _spent(work: Callable[[], T]) -> tuple[float, T]:
    began = time.process_time()
    made = work()
    return (time.process_time() - began) * 1000, made


def measured(reference: Ratios | None, *, least: int = ROUNDS) -> tuple[Ratios, list[Round]]:
    """The ratios after some rounds; after more, while they are too large for a reference. Also the rounds."""
    floor.translate(Inputs(-1, 1).objects.values())  # loads descriptors, once
    standing = Standing()
    gc.collect()
    gc.freeze()
    rounds: list[Round] = []
    for number in range(1, MOST_ROUNDS + 1):
        rounds.append(a_round(number, standing))
        if number >= least and (reference is None or not regressions(ratios(rounds), reference)):
            break
    return ratios(rounds), rounds


def lines(largest: int) -> Iterator[Line]:
    """For the table."""
    found, rounds = measured(None)
    cold, changed = (median_of(getattr(each, name) for each in rounds) for name in ("cold", "change"))
    standing = f"one Mapping of {STANDING_HOSTS * PER_HOST:,} changed"
    for what, cost, ratio in (
        (f"{COLD_HOSTS * PER_HOST} Mappings translated from nothing", cold, found["cold"]),
        (standing, changed, found["change"]),
    ):
        yield Line(what, cost.ours, "ms CPU", "the floor script", cost.floor, ratio)


def main() -> int:
    """Measure; the exit code is 1 when a ratio is too large."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.guard", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make what is measured now the reference")
    arguments = parser.parse_args()
    references = read_references()
    if arguments.write:
        found, _ = measured(None, least=2 * ROUNDS)
        REFERENCES.write_bytes(with_reference(references, MINOR, found))
        print(
            f"Python {MINOR}: {found['cold']:.2f} and {found['change']:.2f} times the floor, from nothing and a change"
        )
        return 0
    reference = reference_of(references, MINOR)
    found, rounds = measured(reference)
    wrong = regressions(found, reference)
    for name, ratio in found.items():
        print(f"{name}: {ratio:.2f} times the floor; reference {reference[name]:.2f}, {len(rounds)} rounds")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""A cluster's objects, read once, as the watcher sees them: the same kinds, the same fields, the same bounds."""

import asyncio
import random
from dataclasses import replace
from typing import Final

from diff.sources import Side, SourceError
from kubeapi.connection import ConfigurationError, Connection
from process.settings import Settings
from snapshot import Record
from watcher.cluster import Cluster
from watcher.kinds import SECRET
from watcher.state import Changes, LocatedProblem
from watcher.watching import Watching, targets_of

PATIENCE: Final = 60.0
"""Seconds until everything must have been seen."""


class _View:
    """In place of a snapshot: the records of the first view."""

    def __init__(self) -> None:
        self.records: dict[str, Record | None] = {}
        self.problems: list[LocatedProblem] = []
        self.taken = asyncio.Event()

    def publish(self, changes: Changes) -> None:
        """Take over what changed."""
        self.records.update(changes.records)
        self.problems = [each for each in (*self.problems, *changes.appeared) if each not in changes.healed]
        self.taken.set()


async def of_cluster(context: str, settings: Settings) -> Side:
    """The objects of the cluster of a context of the kubeconfig. SourceError: they cannot be seen."""
    asked = replace(settings, config_dir=None, kube_context=context)
    view, cluster, stopping = _View(), Cluster(targets_of(asked), None, random.random), asyncio.Event()
    try:
        async with Connection.open(asked) as api:
            watching = asyncio.create_task(Watching(api, cluster, view, _View(), random.random).run(stopping))
            try:
                async with asyncio.timeout(PATIENCE):
                    await _complete(cluster, view, watching)
            except TimeoutError:
                raise SourceError(_missing(api.server, cluster, view)) from None
            finally:
                stopping.set()
                await asyncio.gather(watching, return_exceptions=True)
    except ConfigurationError as error:
        raise SourceError(f"the context {context} cannot be used: {error}") from error
    return _side(context, view)


def _side(context: str, view: _View) -> Side:
    """What was seen; Secrets that could not be are taken to be there."""
    objects = {key: record.body for key, record in view.records.items() if record and not key.startswith("dragoman/")}
    told = tuple(f"{told.source.name}: {told.problem.message}" for told in view.problems)
    unseen = {told.source.name.partition("/")[0] for told in view.problems}
    return Side(
        f"the cluster of {context}",
        objects,
        has_secrets=SECRET.resource not in unseen,
        notes=told,
        is_partial=bool(unseen - {SECRET.resource}),
    )


async def _complete(cluster: Cluster, view: _View, watching: "asyncio.Task[None]") -> None:
    while not cluster.complete:
        view.taken.clear()
        waiting = asyncio.ensure_future(view.taken.wait())
        done, _ = await asyncio.wait((waiting, watching), timeout=1, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if watching in done:
            watching.result()
            raise SourceError("the cluster is not watched any more")
        if cluster.outage:
            raise SourceError(f"the API server does not answer: {cluster.outage}")


def _missing(server: str, cluster: Cluster, view: _View) -> str:
    told = "; ".join(told.problem.message for told in view.problems)
    waited = ", ".join(cluster.waiting_for)
    return f"{server} did not tell of everything within {PATIENCE:.0f} s: {told or waited}"

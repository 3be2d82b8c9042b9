"""Sends the trace of each change to a collector, as soon as Envoy has answered; a collector that is away harms nobody.

What waits is bounded, and what there is no room for is counted. Of what happened before this process began nothing is
sent: a part that was replaced does not tell things twice.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from diagnostics.following import Following, NotOpenError
from diagnostics.traces.assembling import Assembly, Logs
from diagnostics.traces.otlp import document
from diagnostics.traces.sending import Answer, Sender, sender_of
from diagnostics.traces.spans import Trace, trace_of
from diagnostics.traces.telling import INSTANCE
from diagnostics.view import View
from process import logs
from process.otlp import Otlp

LOOK_EACH: Final = 1.0
"""Seconds between two looks at what changed."""

MOST_WAITING: Final = 512
"""Traces that wait for the collector."""

BATCH: Final = 64
"""Traces that are sent at a time."""

FIRST_RETRY: Final = 1.0
LAST_RETRY: Final = 30.0

_LOOK_PATIENCE: Final = 60.0

_log = logs.get("traces")


class Finished:
    """Reads the logs of the snapshot, and gives the changes that came to their end since the last time."""

    def __init__(self, instance: str, ratio: float) -> None:
        self._instance = instance
        self._most = int(ratio * 2**64)
        self._view: View | None = None
        self._assembly = Assembly()
        self._seen: dict[str, int] = {}

    def look(self, view: View) -> None:
        """Read what is new; for the thread that has the snapshot, as the next one."""
        if view is not self._view:  # the first one, or another file
            self._view, self._assembly = view, Assembly()
            self._seen = view.last_commits()
            return
        found = view.logs(self._seen)
        for name, commits in found.items():
            if commits:
                self._seen[name] = commits[-1].sequence
        self._assembly.add(Logs(**{name: tuple(commits) for name, commits in found.items()}))

    def take(self, _: View) -> list[Trace]:
        """The traces of changes that have come to their end."""
        traces = [trace_of(change, self._instance) for change in self._assembly.take()]
        return [trace for trace in traces if self._is_sampled(trace)]

    def _is_sampled(self, trace: Trace) -> bool:
        """By the rest of its id, so that whoever samples by the same share chooses the same."""
        return int(trace.trace_id[16:], 16) < self._most


class Exporter:
    """What waits for the collector, and what became of the others."""

    def __init__(self, otlp: Otlp, resource: Mapping[str, str], following: Following) -> None:
        self._otlp = otlp
        self._resource = resource
        self._following = following
        self._waiting: deque[Trace] = deque()
        self._spans: dict[str, int] = {"sent": 0, "dropped": 0}
        self._trouble = ""
        self._woken = asyncio.Event()

    @property
    def spans(self) -> Mapping[str, int]:
        """How many spans were `sent`, and how many were `dropped`: they were not, and will not be."""
        return self._spans

    async def run(self) -> None:
        """Endless; what fails is told and gone over."""
        try:
            sender = sender_of(self._otlp)
        except (OSError, ValueError) as error:
            _log.error("no traces are sent", reason=str(error))
            return
        looking = asyncio.create_task(self._look())
        try:
            await self._send(sender)
        finally:
            looking.cancel()
            await sender.close()

    async def _look(self) -> None:
        finished = Finished(self._resource[INSTANCE], self._otlp.ratio)
        while True:
            try:
                found = await self._following.ask(finished.take, _LOOK_PATIENCE, finished.look)
            except NotOpenError:
                found = []
            except Exception:  # noqa: BLE001 -- a bug here takes traces away, and nothing else
                _log.exception("a look at what changed failed: a bug of ours")
                found = []
            for trace in found:
                self._take(trace)
            await asyncio.sleep(LOOK_EACH)

    def _take(self, trace: Trace) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._spans["dropped"] += len(trace.spans)
            return
        self._waiting.append(trace)
        self._woken.set()

    async def _send(self, sender: Sender) -> None:
        wait = FIRST_RETRY
        while True:
            await self._woken.wait()
            batch = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
            answer = await self._tried(sender, document(batch, self._resource))
            self._tell(answer)
            if answer.taken or answer.is_final:
                self._account(batch, answer)
                wait = FIRST_RETRY
            else:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LAST_RETRY)
            if not self._waiting:
                self._woken.clear()

    async def _tried(self, sender: Sender, told: Mapping[str, Any]) -> Answer:
        try:
            return await sender.send(told)
        except Exception as error:  # noqa: BLE001 -- as in `_look`
            _log.exception("a batch of traces failed: a bug of ours")
            return Answer(False, type(error).__name__, is_final=True)

    def _account(self, batch: list[Trace], answer: Answer) -> None:
        for _ in batch:
            self._waiting.popleft()
        count = sum(len(trace.spans) for trace in batch)
        sent = max(0, count - answer.rejected) if answer.taken else 0
        self._spans["sent"] += sent
        self._spans["dropped"] += count - sent

    def _tell(self, answer: Answer) -> None:
        """Once, as long as it stays the same."""
        trouble = answer.reason if answer.rejected or not answer.taken else ""
        if trouble and trouble != self._trouble:
            what = "the collector does not want traces" if answer.is_final else "the collector does not take traces"
            _log.warning(what, endpoint=self._otlp.target, reason=trouble)
        elif self._trouble and not trouble:
            _log.info("the collector takes traces again", endpoint=self._otlp.target)
        self._trouble = trouble

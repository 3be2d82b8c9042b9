"""When the webhook looks again after the API server has refused a look."""

from typing import Any, cast

import pytest

from kubeapi.connection import Answer, UnreachableError
from process.settings import Settings
from webhook.__main__ import Webhook
from webhook.cluster import Cluster
from webhook.decision import Ours

FORBIDDEN = Answer(403, b"RBAC: roles are not read yet")
NONE = Answer(404, b"{}")


class Refusing:
    """An API server that gives these answers, one for each request, and the last one for all others."""

    def __init__(self, *answers: Answer | None) -> None:
        self._answers = list(answers)

    async def request(self, *_: object, **__: object) -> Answer:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            raise UnreachableError("no answer in time")
        return answer


async def pauses(*answers: Answer | None, turns: int) -> list[float]:
    webhook = Webhook(cast("Any", None), Settings())
    webhook._cluster = Cluster(cast("Any", Refusing(*answers)), Ours("default", "dragoman-webhook"), "dragoman-webhook")
    return [await webhook._turn() for _ in range(turns)]


async def test_a_first_refusal_may_be_of_roles_that_are_not_read_yet() -> None:
    assert await pauses(FORBIDDEN, turns=5) == [2, 10, 20, 20, 20]


async def test_refusals_are_counted_anew_after_a_look_that_succeeded() -> None:
    looked = [NONE] * 13
    assert await pauses(FORBIDDEN, FORBIDDEN, *looked, FORBIDDEN, turns=5) == [2, 10, 20, 2, 10]


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (Answer(429, b"too many", 5.0), 5),
        (Answer(429, b"too many", 3600.0), 20),
        (Answer(503, b"starting", 0.0), 2),
        (Answer(500, b"etcd"), 2),
        (None, 2),
    ],
)
async def test_what_ails_the_api_server_is_no_refusal_of_us(answer: Answer | None, pause: float) -> None:
    """All within the 20 s that docs/older-versions.md promises."""
    assert await pauses(answer, turns=4) == [pause] * 4

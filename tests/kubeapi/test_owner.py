"""An owner is a ServiceAccount of the same namespace; who cannot be one, or is not known, owns nothing."""

from typing import Any

import orjson
import pytest

from kubeapi.connection import Answer
from kubeapi.owner import owner_of


def review(user: Any) -> Answer:
    return Answer(201, orjson.dumps({"status": {"userInfo": user}}))


def test_an_account_of_the_namespace_owns() -> None:
    owner = owner_of(review({"username": "system:serviceaccount:edge:gateway", "uid": "u"}), "edge")
    assert owner == {"apiVersion": "v1", "kind": "ServiceAccount", "name": "gateway", "uid": "u"}


@pytest.mark.parametrize(
    "answer",
    [
        review({"username": "system:serviceaccount:other:gateway", "uid": "u"}),
        review({"username": "system:serviceaccount:edge:gateway", "uid": ""}),
        review({"username": "system:serviceaccount:edge:gateway"}),
        review({"username": "somebody", "uid": "u"}),
        review(None),
        Answer(201, b"no JSON"),
        Answer(403, orjson.dumps({"status": {"userInfo": {"username": "system:serviceaccount:edge:a", "uid": "u"}}})),
    ],
)
def test_nobody_else_does(answer: Answer) -> None:
    assert owner_of(answer, "edge") is None

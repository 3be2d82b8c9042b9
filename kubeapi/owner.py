"""Who owns what a pod leaves behind: its ServiceAccount, so that Kubernetes removes it when the installation goes.

No right is needed for it: the API server tells everybody who they are to it. Some clusters let nobody name an owner who
may not delete what gets it: there it has none, and stays.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson

from kubeapi.connection import Answer, Connection

Owner = Mapping[str, str]
"""An entry of `ownerReferences`."""

_REVIEWS: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_REVIEW: Final = orjson.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})


class Owners:
    """The owners of what is written in one namespace, as far as they are known and may be said."""

    def __init__(self, api: Connection, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._known: tuple[Owner, ...] | None = None

    async def look(self, seconds: float) -> tuple[Owner, ...]:
        """None or one; the API server is asked once. UnreachableError without its answer."""
        if self._known is None:
            answer = await self._api.request("POST", _REVIEWS, body=_REVIEW, timeout=seconds)
            owner = owner_of(answer, self._namespace)
            if not _is_passing(answer.status):
                self._known = (owner,) if owner else ()
            return (owner,) if owner else ()
        return self._known

    def refused(self) -> bool:
        """A write was forbidden: whether it may have been for its owner, so that it is worth trying without one."""
        said, self._known = self._known, None if self._known == () else ()
        return bool(said)


def owner_of(answer: Answer, namespace: str) -> Owner | None:
    """Of a review: a ServiceAccount of this very namespace, for an owner is never elsewhere. A person owns nothing."""
    if not answer.ok:
        return None
    try:
        user: Mapping[str, Any] = orjson.loads(answer.body)["status"]["userInfo"]
        name, uid = str(user["username"]), str(user["uid"])
    except (ValueError, KeyError, TypeError):
        return None
    beginning = f"system:serviceaccount:{namespace}:"
    if not uid or not name.startswith(beginning):
        return None
    return {"apiVersion": "v1", "kind": "ServiceAccount", "name": name.removeprefix(beginning), "uid": uid}


def _is_passing(status: int) -> bool:
    """Whether another answer may come soon."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR

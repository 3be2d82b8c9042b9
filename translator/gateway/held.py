"""What is left of an object that Envoy refused, and that has no good version: it keeps its place, and serves nothing.

So nobody else gets a Gateway's ports and hostnames meanwhile, a route goes on saying what became of it, and what
a policy is about gets no requests that it might have kept away.
"""

import orjson

from translator.gateway.kinds.shared import HELD
from translator.gateway.names import PARENTS, POLICIES, ROUTES
from translator.ir import ObjectKey


def what_is_left(key: ObjectKey, body: bytes) -> bytes | None:
    """The object with a mark that it is held back; None: nothing is left of it."""
    if key.rsplit("/", 2)[0] not in {*PARENTS.values(), *ROUTES.values(), *POLICIES}:
        return None
    return orjson.dumps({**orjson.loads(body), HELD: True})


def is_silent(key: ObjectKey) -> bool:
    """Whether what is left of an object is nothing that Envoy could refuse, so that it always stays: of a policy."""
    return key.rsplit("/", 2)[0] in POLICIES

"""What is left of an object that Envoy refused, and that has no good version: it keeps its place, and serves nothing.

So nobody else gets a Gateway's ports and hostnames meanwhile, and a route goes on saying what became of it.
"""

import orjson

from translator.gateway.kinds.shared import HELD
from translator.gateway.names import PARENTS, ROUTES
from translator.ir import ObjectKey


def what_is_left(key: ObjectKey, body: bytes) -> bytes | None:
    """The object with a mark that it is held back; None: nothing is left of it."""
    if key.rsplit("/", 2)[0] not in {*PARENTS.values(), *ROUTES.values()}:
        return None
    return orjson.dumps({**orjson.loads(body), HELD: True})

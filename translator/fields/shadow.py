"""`shadow`: a Mapping whose service gets copies of the requests that others for the same requests serve."""

from collections.abc import Iterable
from typing import Final

from translator import ir
from translator.decode import Problem
from translator.fields.load_balancer import LoadBalancer

WITHOUT_EFFECT: Final = (
    "regex_rewrite",
    "add_response_headers",
    "remove_response_headers",
    "host_redirect",
    "path_redirect",
    "prefix_redirect",
    "regex_redirect",
    "timeout_ms",
    "idle_timeout_ms",
    "priority",
    "retry_policy",
    "allow_upgrade",
    "use_websocket",
)
"""Fields of a Mapping that say what becomes of a request before a copy is made of it, or of its answer."""


def shadow_problems(said: Iterable[str], balancer: LoadBalancer | None) -> Iterable[Problem]:
    """What a shadow says in vain, given the names of the fields that it says something in."""
    for name in said:
        yield Problem(name, "has no effect beside shadow: a copy is what the service of the others gets", stops=False)
    if balancer is not None and balancer.hashes:
        yield Problem("load_balancer.policy", "has no effect beside shadow: copies go to any endpoint", stops=False)


def mirror_of(backend: ir.Backend, weight: int | None, headers: ir.HeaderEdits, host: str | None) -> ir.Mirror:
    """The copies that a shadow gets: its weight is the share of the requests that are copied, all when absent."""
    return ir.Mirror(backend, ir.Share(100 if weight is None else weight), headers, host)

"""What other APIs say that holds here as well, as tables and functions: so neither room of rules knows the other."""

from collections.abc import Callable, Mapping
from typing import Any

from translator import ir
from translator.fields.access_log import LogOfSome
from translator.fields.error_overrides import TextOf
from translator.fields.labels import Labels
from translator.filters.address_rules import AddressRules
from translator.filters.log_marks import LogMark
from translator.ir import ObjectKey
from translator.ir.ports import Port
from translator.kubernetes.tables import Name
from translator.tables import Table
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """`taken` are the ports that others have, with who that is, for people; `shared` names there that routes may have.

    `leading_here` are the ports of Services, by their names, that lead to ports of our own. Within rules,
    `http_options` says how HTTP is spoken everywhere, and `tcp_logs` who is told of connections, as an `ir.TcpChain`
    has them. `rate_limits` is what is counted by labels, and `authorization` who is asked about requests and is told
    this besides, both as `ir.Route.filters` has them; None: there is nobody who could be asked. `addresses`
    are the rules about these that hold at names that are shared. `log_mark` is what a policy's word of the logs comes
    to, and `text` what is in a file that clients are shown.
    """

    taken: Table[Port, str]
    shared: Table[ir.Wish, ir.Shared]
    leading_here: Table[Name, frozenset[str]]
    http_options: Callable[[], ir.HttpOptions]
    tcp_logs: Callable[[], tuple[Any, ...]]
    rate_limits: Callable[[Labels], tuple[Any, ...]]
    authorization: Callable[[Mapping[str, str] | None], tuple[Any, ...] | None]
    addresses: Callable[[], AddressRules | None]
    log_mark: Callable[[LogOfSome, ObjectKey], LogMark]
    text: TextOf

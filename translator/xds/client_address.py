r"""Who the client is, where a trusted proxy says it in x-forwarded-for, with a port as some cloud load balancers do.

Envoy takes no `203.0.113.7:5678` for an address: it would take the proxy for the client, in logs, in rules by address
and for the service. So before it looks, the port goes, and with it the brackets of IPv6; only of the one entry that
counts. What is no address with a port stays as it is. A request whose header has no `:` pays for no regular expression.
"""

from typing import Final

from envoyapi.config_common_mutation_rules_v3 import HeaderMutation
from envoyapi.config_core_v3 import (
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    TypedExtensionConfig,
)
from envoyapi.http_early_header_mutation_header_mutation_v3 import HeaderMutation as EarlyHeaderMutation
from envoyapi.wire import any_of
from translator import ir

MOST: Final = 100
"""Proxies in front; beyond, the entry is taken as it is."""

_HEADER: Final = "request.headers['x-forwarded-for']"
_BEFORE: Final = r"((?:.*,)?\s*)"
_ADDRESS: Final = r"(?:\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+)"


def position_of(options: ir.HttpOptions) -> int:
    """Which entry says who the client is, counted from the end; Envoy's own rule."""
    return options.trusted_hops if options.use_remote_address else options.trusted_hops + 1


def without_port(position: int) -> TypedExtensionConfig | None:
    """What an HTTP connection manager that trusts a proxy does with a request before all else."""
    if position > MOST:
        return None
    behind = rf"((?:\s*,[^,]*){{{position - 1}}}\s*)"
    expression = rf"re.extract({_HEADER}, r'^{_BEFORE}{_ADDRESS}{behind}$', r'\1\2\3\4')"
    changed = HeaderValueOption(
        header=HeaderValue(key="x-forwarded-for", value=f"%CEL({_HEADER}.contains(':') ? {expression} : {_HEADER})%"),
        append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS,
    )
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation",
        typed_config=any_of(EarlyHeaderMutation(mutations=[HeaderMutation(append=changed)])),
    )

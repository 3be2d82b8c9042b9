"""What clients get instead of an error, as nginx's `error_page` has it: the answer of who is asked about it.

Two scripts do it. What a script asks while an answer is on its way can take the place of its body only if that was
waited for first, and what is waited for may have the 32 KiB of a connection's buffer. So the second one, which sees
answers first, takes the body of an error away as it comes, and the other waits for what is left: nothing. They stand in
another filter that is empty as long as no route wants them, so that none of thousands of chains has their state for
nothing.

Source: nginx, ngx_http_core_module, error_page; envoy/extensions/filters/http/lua/v3/lua.proto,
envoy/extensions/filters/http/filter_chain/v3/filter_chain.proto.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from envoyapi.config_core_v3 import DataSource, TypedExtensionConfig
from envoyapi.http_filter_chain_v3 import FilterChain, FilterChainConfig
from envoyapi.http_lua_v3 import Lua, LuaPerRoute
from envoyapi.wire import any_of, struct
from translator.checks import SCOPE_HEADER
from translator.filters.part import Asking, Discovered, HttpFilter, NameOf
from translator.ir import Backend
from translator.values import dataclass

NAME: Final = "dragoman.filters.http.error_pages"
TIMEOUT_MS: Final = 60_000
_INSIDE: Final = "error_pages"
_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ErrorPages:
    """Whose answer takes the place of answers with these `codes`, and what it is `told`: headers, by lower-case names.

    `hidden` are headers of the client that it is not told, in lower case.
    """

    backend: Backend
    codes: tuple[int, ...]
    told: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorPaging:
    """That some route has ErrorPages."""


def _encode(said: ErrorPages, name_of: NameOf) -> LuaPerRoute:
    context: dict[str, Any] = {
        "cluster": name_of(said.backend),
        "codes": ",".join(map(str, said.codes)),
        "told": [text for pair in said.told for text in pair],
        "hidden": [SCOPE_HEADER, *said.hidden],
        "timeout": str(TIMEOUT_MS),
    }
    return LuaPerRoute(filter_context=struct(context))


def _asked(said: ErrorPages) -> Iterable[Backend]:
    return (said.backend,)


def _script(name: str, *parts: str) -> TypedExtensionConfig:
    text = "".join((_FOLDER / part).read_text() for part in parts)
    # What a script notes of a request chooses no other route.
    script = Lua(default_source_code=DataSource(inline_string=text), clear_route_cache=False)
    return TypedExtensionConfig(name=name, typed_config=any_of(script))


_SCRIPTS: Final = FilterChainConfig(
    default_filter_chain=FilterChain(
        filters=[
            _script(_INSIDE, "asking.lua", "error_pages.lua"),
            _script("error_pages_emptying", "error_pages_emptying.lua"),
        ]
    )
)

FILTER: Final = HttpFilter(
    name=NAME,
    idle=FilterChainConfig(),
    asking={ErrorPages: Asking(_encode, _asked, inside=_INSIDE)},
    discovered=Discovered(ErrorPaging, lambda _, __: _SCRIPTS),
)

"""What a request is held to before it goes on, as a route says it: a password, and who is asked about it.

It is a script, which lets through of whom a route says nothing, and else says no by itself: where it is not the whole
one yet, and whatever goes wrong. The whole one comes by ECDS, and only where some route wants it, so that thousands of
chains have no more than the word no, which they have anyway for an authorization that is broken.

Source: envoy/extensions/filters/http/lua/v3/lua.proto.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from envoyapi.config_core_v3 import DataSource
from envoyapi.http_lua_v3 import Lua, LuaPerRoute
from envoyapi.wire import struct
from translator.filters import unavailable
from translator.filters.address_rules import ALLOWED, NOTED, RESULT
from translator.filters.auth_requests import AuthRequest
from translator.filters.auth_requests import context_of as context_of_asking
from translator.filters.part import Asking, Discovered, HttpFilter, NameOf
from translator.filters.passwords import Passwords
from translator.filters.passwords import context_of as context_of_passwords
from translator.ir import Backend
from translator.values import dataclass

NAME: Final = "dragoman.filters.http.checks"
_FOLDER: Final = Path(__file__).parent
_PARTS: Final = ("passwords.lua", "asking.lua", "auth_requests.lua", "checks.lua")


@dataclass(frozen=True, slots=True)
class Checks:
    """What a route holds its requests to: both, where both are said; a password first.

    `any_of`: what lets one through is enough, and so is an address by AddressRules that are `only_noted`.
    """

    passwords: Passwords | None = None
    asking: AuthRequest | None = None
    any_of: bool = False


@dataclass(frozen=True, slots=True)
class Checking:
    """That some route has Checks."""


def _encode(said: Checks, name_of: NameOf) -> LuaPerRoute:
    context: dict[str, Any] = {"is": "checked"}
    if said.any_of:
        context |= {"any": NOTED, "any_result": RESULT, "any_allowed": ALLOWED}
    if said.passwords is not None:
        context |= context_of_passwords(said.passwords)
    if said.asking is not None:
        context |= context_of_asking(said.asking, name_of)
    return LuaPerRoute(filter_context=struct(context))


def _asked(said: Checks) -> Iterable[Backend]:
    return () if said.asking is None else (said.asking.backend,)


def _script(text: str) -> Lua:
    # What a script adds to a request chooses no other route: there it might be held to nothing.
    return Lua(default_source_code=DataSource(inline_string=text), clear_route_cache=False)


_NO: Final = """
function envoy_on_request(handle)
  local said = handle:filterContext():get("is")
  if said == "checked" then
    handle:respond({[":status"] = "500"}, "")
  elseif said ~= nil then
    unavailable(handle)
  end
end
"""
_IDLE: Final = _script(unavailable.SCRIPT + _NO)
_ALL: Final = _script(unavailable.SCRIPT + "".join((_FOLDER / part).read_text() for part in _PARTS))


FILTER: Final = HttpFilter(
    name=NAME,
    idle=_IDLE,
    switches={unavailable.Unavailable: lambda _: LuaPerRoute(filter_context=struct({"is": "unavailable"}))},
    asking={Checks: Asking(_encode, _asked)},
    discovered=Discovered(Checking, lambda _, __: _ALL),
    off=LuaPerRoute(disabled=True),
)

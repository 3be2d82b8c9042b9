"""A script of the user's, in Lua, that sees requests and answers.

It stands in the routes, not in a configuration of its own (ECDS): Envoy keeps one that it refused there, and refuses
every listener that is added or changed then (findings/envoy-ecds-refused-stops-listeners.sh). Of routes the last good
ones stay.

Source: envoy/extensions/filters/http/lua/v3/lua.proto.
"""

from typing import Final

from envoyapi.config_core_v3 import DataSource
from envoyapi.http_lua_v3 import Lua, LuaPerRoute
from translator.filters.part import HttpFilter
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Script:
    """Requests and answers go through it."""

    text: str


FILTER: Final = HttpFilter(
    name="envoy.filters.http.lua",
    idle=Lua(),
    switches={Script: lambda script: LuaPerRoute(source_code=DataSource(inline_string=script.text))},
    off=LuaPerRoute(disabled=True),
)

"""Passwords of users, as `htpasswd` writes them: who has none is answered 401, before anybody else is asked.

Envoy's own filter for it knows SHA-1 alone, without a salt, and htpasswd's default is apr1: MD5, a thousand times over.
A worker does no more than twenty such in a second, so that nobody can keep it busy by guessing; a password that was
right once costs nothing any more.

Source: envoy/extensions/filters/http/lua/v3/lua.proto; Apache's apr_md5.c for apr1.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from envoyapi.config_core_v3 import DataSource
from envoyapi.http_lua_v3 import Lua, LuaPerRoute
from envoyapi.wire import struct
from translator.filters.part import HttpFilter

_NAME: Final = "check"
_SCRIPT: Final = (Path(__file__).parent / "passwords.lua").read_text()


@dataclass(frozen=True, slots=True)
class Passwords:
    """Users with the hashes of their passwords: apr1, {SHA} or {SSHA}; `realm` is what clients are told of them."""

    users: tuple[tuple[str, str], ...] = field(repr=False)
    realm: str = ""


def _switch(said: Passwords) -> LuaPerRoute:
    realm = said.realm.replace("\\", "\\\\").replace('"', '\\"')
    users = {f"user:{name}": password for name, password in said.users}
    return LuaPerRoute(name=_NAME, filter_context=struct({**users, "challenge": f'Basic realm="{realm}"'}))


FILTER: Final = HttpFilter(
    name="dragoman.filters.http.passwords",
    idle=Lua(source_codes={_NAME: DataSource(inline_string=_SCRIPT)}),
    switches={Passwords: _switch},
    off=LuaPerRoute(disabled=True),
)

"""What the parts import is imported before there are any: they are forks, and what nobody changes is in memory once."""

import configparser
import contextlib
import gc
import importlib
import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from entrypoint.filling import filling
from entrypoint.forked import part_of
from process.memory import give_back, keep_apart

_VARIABLE: Final = re.compile(r"%\(ENV_(\w+)\)s")
_PROGRAM: Final = "program:"
_FILLING: list[object] = []


def parts(conf: Path) -> list[str]:
    """The names of the programs in a supervisord configuration."""
    return [name.removeprefix(_PROGRAM) for name in _read(conf).sections() if name.startswith(_PROGRAM)]


def commands(conf: Path, environ: Mapping[str, str]) -> list[str]:
    """The commands of those programs in a supervisord configuration that are to run in this environment."""

    def said(text: str) -> str:
        return _VARIABLE.sub(lambda found: environ.get(found[1], ""), text)

    programs = [section for name, section in _read(conf).items() if name.startswith(_PROGRAM)]
    return [said(each["command"]) for each in programs if said(each.get("autostart", "true")) == "true"]


def _read(conf: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    parser.read(conf)
    return parser


def modules_of(commands: Iterable[str]) -> list[str]:
    """What these commands run, of those that are parts of ours: for a package, its `__main__`."""
    found = [part for command in commands if (part := part_of(shlex.split(command), sys.executable))]
    return [name for part in found for name in _runnable(part.module)]


def _runnable(module: str) -> list[str]:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None:
        return []
    return [module if found.submodule_search_locations is None else f"{module}.__main__"]


@contextlib.contextmanager
def _trusting_nobody() -> Iterator[None]:
    """Without the system's certificate authorities, which aiohttp reads when it is imported, and none of ours needs."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ.update(dict.fromkeys(names, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def load(names: Iterable[str]) -> None:
    """Import these, and let the garbage collector forget them, since it would write to each page that it looks at.

    Meanwhile it does not look at all: modules make hardly any garbage, and a tenth of the time would go there. The
    cache of attributes' names is emptied, since a fork that uses it for others writes to each text that was there.
    """
    absent = [name for name in names if name not in sys.modules]
    if not absent:
        return
    keep_apart()
    gc.disable()
    with _trusting_nobody():
        for name in absent:
            with contextlib.suppress(Exception):  # the part that needs it says it better
                importlib.import_module(name)
    gc.collect()
    _FILLING.append(filling())
    give_back()
    sys._clear_type_cache()  # noqa: SLF001 -- that is its name
    gc.freeze()
    gc.enable()

"""`python -m entrypoint.supervisord`: supervisord, whose children of ours are forks of it (`entrypoint.forked`).

It imports first what the parts will need. So that is in memory once, a start reads each library once, and a part that
was killed is back without reading any. It stays a process of one thread, which may fork safely: what its modules do
when they are imported they must not do in threads.
"""

import contextlib
import gc
import importlib
import importlib.util
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from supervisor import supervisord
from supervisor.options import ServerOptions

from entrypoint.certificate import write_fallback
from entrypoint.forked import become, part_of
from process.settings import Settings


class Options(ServerOptions):  # type: ignore[misc]  # supervisor has no types
    """supervisord's way to the system; where it would start a Python of ours anew, its fork goes on instead."""

    def realize(self, *arguments: Any, **more: Any) -> None:
        """Read the configuration, and import what it will start."""
        super().realize(*arguments, **more)
        programs = [program for group in self.process_group_configs for program in group.process_configs]
        load(modules_of(program.command for program in programs if program.autostart))

    def execve(self, filename: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Called in the child, whose files and process group are as the program shall have them."""
        part = part_of(argv, sys.executable)
        if part is not None:
            become(part, env)
        super().execve(filename, argv, env)


def modules_of(commands: Iterable[str]) -> list[str]:
    """What these commands run, of those that are parts of ours: for a package, its `__main__`."""
    parts = [part for command in commands if (part := part_of(shlex.split(command), sys.executable))]
    return [name for part in parts for name in _runnable(part.module)]


def _runnable(module: str) -> list[str]:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None:
        return []
    return [module if found.submodule_search_locations is None else f"{module}.__main__"]


def load(names: Iterable[str]) -> None:
    """Import these, and let the garbage collector forget them, since it would write to each page that it looks at.

    Meanwhile it does not look at all: modules make hardly any garbage, and a tenth of the time would go there.
    """
    gc.disable()
    for name in names:
        with contextlib.suppress(Exception):  # the part that needs it says it better
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    gc.enable()


def main() -> None:
    """Make the certificate of last resort with a library that parts need too; run supervisord as its arguments say."""
    settings = Settings.from_environment(os.environ)
    write_fallback(settings.generated_dir, settings.namespace)
    supervisord.ServerOptions = Options
    supervisord.main()


if __name__ == "__main__":
    main()

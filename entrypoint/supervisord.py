"""`python -m entrypoint.supervisord`: supervisord, whose children of ours are forks of it (`entrypoint.forked`).

It is a fork itself, of an entrypoint that has imported what the parts will need. So that is in memory once, a start
reads each library once, and a part that was killed is back without reading any. It stays a process of one thread,
which may fork safely: what its modules do when they are imported they must not do in threads.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor import supervisord
from supervisor.options import ServerOptions

from entrypoint.forked import become, part_of
from entrypoint.loading import load, modules_of


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


def main() -> None:
    """Run supervisord as its arguments say."""
    supervisord.ServerOptions = Options
    supervisord.main()


if __name__ == "__main__":
    main()

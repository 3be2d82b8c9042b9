"""`dragoman`, and `kubectl dragoman`: its commands, each in a module that is imported when it is asked for."""

import importlib
import os
from collections.abc import Mapping
from typing import cast

import click

COMMANDS: Mapping[str, str] = {
    "completion": "Print a script that completes what is typed in a shell.",
    "convert": "Say what a folder says by another API: Gateway API, or Emissary's.",
    "diff": "Tell what a folder of YAML would change for Envoy.",
    "lint": "Tell what is wrong in folders of YAML, and what could be better.",
    "run": "Serve a folder of YAML with a real Envoy, until Ctrl-C.",
    "status": "Tell what became of each object of the running gateway, and Envoy's word about it.",
    "top": "Tell the requests, errors and latencies of the running gateway, by route or cluster.",
    "trace": "Tell where the time of the last changes went, from the edit until Envoy had it.",
    "translate": "Print what a folder of YAML becomes for Envoy, without running anything.",
    "version": "Print the versions of Dragoman and Envoy.",
    "why": "Tell how the running gateway would serve a request, and why so.",
}
"""What each command does. The command NAME is the click command `NAME` of the module `cli.NAME`."""


class Commands(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- as the base class has it
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- as above
        """The command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        return cast("click.Command", getattr(importlib.import_module(f"cli.{cmd_name}"), cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- as above
        """The list in the help, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """An API gateway: it reads what people declare for Kubernetes, and tells Envoy."""


if __name__ == "__main__":
    main(prog_name=os.environ.get("DRAGOMAN_PROGRAM") or "dragoman", complete_var="_DRAGOMAN_COMPLETE")

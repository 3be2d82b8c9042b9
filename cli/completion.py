"""`dragoman completion SHELL`: a script that has the shell complete commands, options and their values."""

import click
from click.shell_completion import get_completion_class

PROGRAM = "dragoman"
VARIABLE = "_DRAGOMAN_COMPLETE"
"""In which the script asks, and click answers."""


@click.command(
    epilog="Examples:  dragoman completion bash > ~/.local/share/bash-completion/completions/dragoman\n\n"
    "           source <(dragoman completion zsh)\n\n"
    "           dragoman completion fish > ~/.config/fish/completions/dragoman.fish"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script with which SHELL completes what is typed after dragoman."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"nothing is known of {shell}")
    click.echo(kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source())

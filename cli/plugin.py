"""`kubectl_complete-dragoman WORD...`: what could be typed next after `kubectl dragoman`, as kubectl asks plugins.

A line for each, what it is behind a tab, and a last line that says what kubectl is to do with them.
Source: kubectl's documentation of plugins, "Completions for plugins"; cobra's directives of shell completion.
"""

import sys
from collections.abc import Iterator, Sequence

import click
from click.shell_completion import ShellComplete

from cli.__main__ import main

_FILES = ":0"
"""Files may stand here, too."""
_NO_FILES = ":4"


def completions(words: Sequence[str]) -> Iterator[str]:
    """The lines for the words that were typed, of which the last may be begun or empty."""
    *before, begun = words or [""]
    found = ShellComplete(main, {}, "dragoman", "_DRAGOMAN_COMPLETE").get_completions(list(before), begun)
    for item in found:
        if item.type == "plain":
            yield f"{item.value}\t{item.help}" if item.help else str(item.value)
    yield _FILES if any(item.type != "plain" for item in found) else _NO_FILES


if __name__ == "__main__":
    for line in completions(sys.argv[1:]):
        click.echo(line)

"""How large the terminal is for whoever draws in it, which may change at any time."""

import contextlib
import os
import shutil
import sys


def size() -> os.terminal_size:
    """The terminal's own word, not the environment's, which stays as it was in a window that is drawn larger."""
    with contextlib.suppress(OSError):
        found = os.get_terminal_size(sys.stdout.fileno())
        if found.columns and found.lines:
            return found
    return shutil.get_terminal_size()

"""`python -m entrypoint`: the image's PID 1."""

import os
import sys

from entrypoint.start import begin

if __name__ == "__main__":
    sys.exit(begin(os.environ))

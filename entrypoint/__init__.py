"""The parent of every process: it prepares the run directory, starts the parts, keeps them alive, and ends them.

    python -m entrypoint         PID 1 of the image, and the parent of `make run`
    python -m entrypoint.envoy   the program that becomes Envoy: bootstrap, limits, exec
    python -m entrypoint.demo    the demo upstream of the quickstart

supervisord starts and restarts the parts (`supervisord.conf`). What it cannot do, this package does: bring a killed
part back in milliseconds, replace one that hangs, notice a part that cannot be kept alive, put back what is lost in the
run directory, drain Envoy before the end, and end with an exit code that says what happened. It knows the parts by the
names in that file and imports nothing of theirs.
"""

"""The suite in the network of a cluster that has Dragoman: what it needs of the nodes, and how it is run there."""

from collections.abc import Sequence
from pathlib import Path

from tests.conformance.programs import Programs
from tests.conformance.run import Run
from tests.e2e.cluster.images import write_image
from tests.e2e.cluster.inside import FromInside

ECHO_IMAGES = tuple(f"registry.k8s.io/gateway-api/conformance/echo-basic:v0.{minor}.0" for minor in (1, 2))
"""The names that the suite's manifests have for one program; nobody is asked for them."""


def load_echo(cluster: FromInside, programs: Programs) -> None:
    """Give the nodes the images of the suite's servers."""
    for name in ECHO_IMAGES:
        archive = cluster.folder / "echo.tar"
        write_image(programs.echo, name, archive)
        cluster.load_image(archive)
        archive.unlink()


def command(cluster: FromInside, programs: Programs, run: Run, report: Path) -> Sequence[str]:
    """What runs the suite inside, as the cluster's administrator."""
    environ = ("env", f"KUBECONFIG={cluster.kubeconfig}")
    return (*cluster.entering, *environ, str(programs.suite), *run.arguments(report))

"""Helm itself, its Go library, in a process of its own: what it leaves open, and its signal handlers, are its own.

    with Helm() as helm:
        helm.render("charts/dragoman", {"replicaCount": 5})      # the templates' texts, by name
        helm.release(kubeconfig, "install", "charts/dragoman", "dragoman", {})

A request and its answer are a line of JSON each.
"""

import functools
import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.support.scoped import Scoped

ROOT = Path(__file__).parents[2]
MISSING = find_spec("helm_python") is None
"""Helm is a wheel for x86_64 alone."""


class HelmError(RuntimeError):
    """Helm refused, in its own words."""


class Helm(Scoped):
    """A Helm that answers until it is closed."""

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def close(self) -> None:
        self._process.communicate()

    def render(
        self, chart: str, values: Mapping[str, Any], name: str = "dragoman", namespace: str = "dragoman"
    ) -> dict[str, str]:
        """The texts that the templates become, by their file's name, when the values fit the schema."""
        found: dict[str, str] = self._ask("render", chart, values, name, namespace)
        return found

    def lint(self, chart: str, values: Mapping[str, Any]) -> list[str]:
        """What Helm's linter tells; warnings too."""
        found: list[str] = self._ask("lint", chart, values)
        return found

    def release(self, kubeconfig: Path, namespace: str, action: str, *arguments: Any) -> Any:
        """install, upgrade, rollback or uninstall; what Helm knows of the release then."""
        return self._ask("release", str(kubeconfig), namespace, action, *arguments)

    def package(self, chart: str, folder: Path) -> Path:
        """The archive of a chart."""
        return Path(self._ask("package", chart, str(folder)))

    def _ask(self, *request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise HelmError(answer["error"])
        return answer["value"]


@functools.cache
def _load(chart: str) -> Any:
    import helm_python  # noqa: PLC0415 -- only in this process

    return helm_python.Chart.load(chart)


def _render(chart: str, values: dict[str, Any], name: str, namespace: str) -> dict[str, str]:
    loaded = _load(chart)
    loaded.validate_schema(values)
    found = loaded.render(values, name=name, namespace=namespace)
    return {name.rpartition("/")[2]: text for name, text in found.items()}


def _lint(chart: str, values: dict[str, Any]) -> list[str]:
    import helm_python  # noqa: PLC0415

    report = helm_python.lint(chart, values, strict=True)
    return [*report["errors"], *(message["error"] for message in report["messages"])]


def _package(chart: str, folder: str) -> str:
    import helm_python  # noqa: PLC0415

    return str(helm_python.package(chart, destination=folder))


def _release(kubeconfig: str, namespace: str, action: str, *arguments: Any) -> Any:
    import helm_python  # noqa: PLC0415

    with helm_python.Config(kubeconfig_path=kubeconfig, namespace=namespace) as config:
        return getattr(config, action)(*arguments, **({"namespace": namespace} if action in _PLACED else {}))


_PLACED = ("install", "upgrade")
_ANSWERS = {"render": _render, "lint": _lint, "package": _package, "release": _release}


def main() -> None:
    """Answer until nobody asks any more."""
    import helm_python  # noqa: PLC0415

    for line in sys.stdin:
        what, *arguments = json.loads(line)
        try:
            answer = {"value": _ANSWERS[what](*arguments)}
        except helm_python.HelmError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

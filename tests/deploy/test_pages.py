"""The pages lead somewhere: links, files and variables that they name are there."""

import re
from pathlib import Path

import pytest

from tests.deploy.reading import ROOT, documents

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CODE = "".join(path.read_text() for folder in ("process", "entrypoint") for path in (ROOT / folder).rglob("*.py"))
VARIABLE = re.compile(r"`((?:DRAGOMAN|AMBASSADOR|ENVOY|AES|POD|DISABLE)_[A-Z_]+)`")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_what_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


@pytest.mark.parametrize("name", ["install", "operations", "sizing", "rbac", "image", "helm"])
def test_variables_are_read_by_somebody(name: str) -> None:
    named = set(VARIABLE.findall((ROOT / f"docs/{name}.md").read_text()))
    assert {variable for variable in named if f'"{variable}"' not in CODE} == set()


def test_each_variable_of_the_manifest_is_explained() -> None:
    page = (ROOT / "docs/install.md").read_text()
    (deployment,) = [each for each in documents(ROOT / "deploy/workload.yaml") if each["kind"] == "Deployment"]
    for variable in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
        assert f"`{variable['name']}`" in page


def test_commands_name_files_that_are_there() -> None:
    for page in ("docs/install.md", "docs/helm.md", "kind-config.yaml", "README.md"):
        for path in re.findall(
            r"(?:-f|apply|RELEASE|dragoman|dragoman-crds) ((?:deploy|examples|charts)/[\w./-]*)",
            (ROOT / page).read_text(),
        ):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", ["docs/install.md", "kind-config.yaml", "README.md"])
def test_no_command_applies_objects_together_with_the_kinds_that_they_are_of(page: str) -> None:
    """kubectl asks which kinds there are before it applies the first file."""
    commands = re.findall(r"kubectl apply [^&\n]*", (ROOT / page).read_text())
    assert commands
    assert [command for command in commands if " deploy/" in command and " examples/" in command] == []


def test_recipes_that_are_named_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in (ROOT / "README.md", ROOT / "docs/install.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"^make ([a-z0-9]+)|`make ([a-z0-9]+)", page.read_text(), re.MULTILINE):
            assert f"\n{''.join(target)}:" in makefile, target

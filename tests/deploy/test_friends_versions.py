"""The versions of other programs that pages name are those that `make friends` builds."""

import re

import pytest

from tests.friends.programs import FRIENDS
from tests.support import friends
from tests.support.part import ROOT

PAGES = {
    "certmanager": ("github.com/cert-manager/cert-manager", "cert-manager.md"),
    "rollouts": ("github.com/argoproj/argo-rollouts", "argo-rollouts.md"),
    "flagger": ("github.com/fluxcd/flagger", "flagger.md"),
    "externaldns": ("sigs.k8s.io/external-dns", "external-dns.md"),
    "pebble": ("github.com/letsencrypt/pebble/v2", "README.md"),
}


def test_each_program_has_its_page() -> None:
    assert FRIENDS.keys() == PAGES.keys()


def built(name: str) -> str:
    """The version that is built."""
    module, _ = PAGES[name]
    said = (FRIENDS[name].folder / "go.mod").read_text()
    (version,) = re.findall(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", said, re.MULTILINE)
    return str(version)


@pytest.mark.parametrize("name", PAGES)
def test_the_version_of_a_page_is_the_one_that_is_built(name: str) -> None:
    for page in {PAGES[name][1], "README.md"}:
        assert built(name) in (ROOT / "docs/friends" / page).read_text(), page


@pytest.mark.parametrize("name", ["certmanager", "rollouts", "flagger"])
def test_what_is_recorded_is_of_the_version_that_is_built(name: str) -> None:
    assert friends.__doc__ is not None
    assert f" {built(name).removeprefix('v')}:" in friends.__doc__

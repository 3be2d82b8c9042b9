"""What of the environment matters to translation."""

import pytest

from process.settings import Settings
from translator.settings import options_of


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        ({}, None),
        ({"DRAGOMAN_NAMESPACES": "a,b"}, frozenset({"a", "b"})),
        ({"AMBASSADOR_SINGLE_NAMESPACE": "yes", "AMBASSADOR_NAMESPACE": "a"}, frozenset({"a"})),
        ({"AMBASSADOR_LABEL_SELECTOR": "team=a"}, frozenset()),
        ({"AMBASSADOR_FIELD_SELECTOR": "metadata.namespace!=kube-system"}, frozenset()),
        ({"DRAGOMAN_CONFIG_DIR": "/config"}, frozenset()),
    ],
)
def test_all_services_are_known_in_the_namespaces_that_are_watched_without_a_selector(
    environment: dict[str, str], known: frozenset[str] | None
) -> None:
    assert options_of(Settings.from_environment(environment)).service_namespaces == known

"""What the status of an object says that this version does not serve."""

from translator.statuses import status_of_unserved


def said(kind: str) -> str:
    status = status_of_unserved(kind)
    assert status.state == "stopped"
    (told,) = status.problems
    assert told.path == "kind"
    return told.message


def test_a_kind_that_is_not_served_is_told() -> None:
    assert said("TracingService") == "TracingService is not served by this version"

"""Comments and texts: whatever is in a value is in the YAML that is written, and no comment is lost."""

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convert.comments import comments_of
from convert.values import Made, at, copied
from convert.writing import written
from tests.convert.converting import converted
from tests.convert.test_convert_to_gateway import HTTP
from tests.support.objects import host

TEXT = """\
# above all
apiVersion: getambassador.io/v3alpha1
kind: Mapping    # beside the kind
metadata:
  name: m
spec:
  hostname: "*"
  # why so slow:
  #   ask them
  timeout_ms: 9000    # of theirs
  # the path
  prefix: /m/
  service: quote      # where it goes
  retry_policy:
    # often
    retry_on: 5xx
  labels:
    ambassador:
      # a group
      - group:
          - remote_address: {key: remote_address}    # who asks
          - generic_key: {value: "a # is no comment"}
  # at the end
"""
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5))
@example({"no text but a line's end": "\n"})
@example({"another line's end": "a\n\r\tb"})
def test_what_is_written_is_what_was_to_be_written(value: dict[str, object]) -> None:
    [text] = written([Made({"a": 1, "spec": value}, ())], lambda _: {})
    assert yaml.safe_load(text) == {"a": 1, "spec": value}


def test_a_comment_is_about_what_begins_below_it_or_before_it() -> None:
    node = yaml.compose(TEXT)
    assert node is not None
    found = {path: (about.above, about.beside) for path, about in comments_of(TEXT, node).items()}
    assert found == {
        "": (["# above all", "# at the end"], ""),
        "kind": ([], "# beside the kind"),
        "spec.timeout_ms": (["# why so slow:", "#   ask them"], "# of theirs"),
        "spec.prefix": (["# the path"], ""),
        "spec.service": ([], "# where it goes"),
        "spec.retry_policy.retry_on": (["# often"], ""),
        "spec.labels.ambassador[0]": (["# a group"], ""),
        "spec.labels.ambassador[0].group[0].remote_address.key": ([], "# who asks"),
    }


def test_comments_go_where_their_fields_go_and_none_is_lost() -> None:
    outcome = converted(f"# of the file\n---\n{TEXT}---\n{HTTP}{host('h', '*')}")
    route, policy = outcome.texts[-2:]
    assert route.startswith("# of the file\n# above all\n# at the end\n# beside the kind\napiVersion: gateway")
    assert "      # the path\n        - path:\n" in route
    assert (
        "      timeouts:\n        # why so slow:\n        #   ask them\n        request: 9s    # of theirs\n" in route
    )
    assert "        - name: quote    # where it goes\n" in route
    assert "  retry_policy:\n    # often\n    retry_on: 5xx\n" in policy
    assert "      # a group\n      - group:\n" in policy
    written_once = "".join(outcome.texts)
    for line in TEXT.splitlines():
        if "#" in line and "is no comment" not in line:
            assert written_once.count(line[line.index("# ") :].strip()) == 1, line


def test_a_comment_of_two_places_stands_once() -> None:
    node = yaml.compose(TEXT)
    assert node is not None
    about = comments_of(TEXT, node)
    made = [
        Made({"one": at(1, "k", "spec.prefix"), "two": at(2, "k", "spec.prefix")}, ("k",)),
        Made({"three": copied({"retry_on": "5xx"}, "k", "spec.retry_policy")}, ("k",)),
    ]
    texts = "".join(written(made, lambda _: about))
    assert texts.count("# the path") == texts.count("# often") == texts.count("# who asks") == 1

"""Objects as YAML that people can read and a diff can show."""

from collections.abc import Iterable
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """No anchors: a schema that occurs twice is written twice, since `kubectl` and people read it so."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- of any data
        return True


def text_of(about: str, objects: Iterable[dict[str, Any]]) -> str:
    """A file of YAML: what it is, in comments, and its objects."""
    head = "".join(f"# {line}\n" for line in about.splitlines())
    documents = [yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True) for each in objects]
    return head + "---\n".join(documents)

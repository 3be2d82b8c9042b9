"""What is there before the fork is not counted any more, where Python can do without; everything else is as it was."""

import json
import subprocess
import sys

import pytest

from entrypoint.supervision import CONF

IS_COUNTED = sys.version_info < (3, 12)
"""Whether this Python counts the references to None, too."""
PROGRAM = """
import json, sys
from entrypoint.immortal import immortalize

class Thing:
    def told(self):
        return (1.5, "a text of no name", b"bytes")

def some():
    code = Thing.told.__code__
    return [Thing, thing, named, Thing.told, code, *code.co_consts[1]]

def counts():
    return [sys.getrefcount(each) for each in some()]

thing, named = Thing(), {"a key": [Thing()]}
before = counts()
many = immortalize()
new = Thing()
more = [[*some(), new] for _ in range(1000)]
after = counts()
counted = sys.getrefcount(new)
more.clear()
named["a key"] = thing.told()
print(json.dumps([many, before, after, counted, sys.getrefcount(new), sys.getrefcount(None), named["a key"][0]]))
"""


def test_only_what_comes_later_is_counted() -> None:
    command = [sys.executable, "-P", "-c", PROGRAM]
    said = subprocess.run(command, env={"PYTHONPATH": str(CONF.parent.parent)}, capture_output=True, check=True).stdout
    many, before, after, counted, freed, nothing, answer = json.loads(said)
    assert answer == 1.5
    assert counted - freed == 1000
    if IS_COUNTED:
        assert many == 0
        assert [now - then for then, now in zip(before, after, strict=True)][1:] == pytest.approx([1000] * 7, abs=3)
    else:
        assert many > 1000
        assert set(after) == {nothing}

"""What is made in deploy/ is what the code makes now."""

import pytest

from crds.files import FOLDER, files


@pytest.mark.parametrize("name", files())
def test_a_made_file_is_not_stale(name: str) -> None:
    assert (FOLDER / name).read_text() == files()[name], "run `make crds`"

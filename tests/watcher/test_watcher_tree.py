"""Where paths lead, asked of the kernel: also where it has no descriptor left, which is no reason to miss a file."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watcher.folder import Folder, Look
from watcher.roots import Root
from watcher.tree import OutsideError, resolve


@contextmanager
def without_descriptors() -> Iterator[None]:
    """Nothing more can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_file_is_not_gone_for_want_of_descriptors(tmp_path: Path) -> None:
    path = tmp_path / "team" / "a.yaml"
    path.parent.mkdir()
    path.write_text("")
    folder = Folder([Root.at(tmp_path)], "default")
    for file in folder.look(str(tmp_path)).files:
        folder.take(folder.read(file))
    with without_descriptors():
        of_file, of_folder = folder.look(str(path)), folder.look(str(path.parent))
        reading = folder.read(str(path))
    assert of_file == Look([str(path)])
    assert (of_folder.missing, of_folder.gone_folders) == ([], [])
    assert reading.reason == "it cannot be read: Too many open files"


def test_links_lead_to_the_same_place_without_descriptors(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.yaml").write_text("")
    (root / "link.yaml").symlink_to("a.yaml")
    (root / "out.yaml").symlink_to(tmp_path)
    with without_descriptors():
        assert resolve(str(root / "link.yaml"), str(root)) == str(root / "a.yaml")
        with pytest.raises(OutsideError):
            resolve(str(root / "out.yaml"), str(root))
        with pytest.raises(FileNotFoundError):
            resolve(str(root / "b.yaml"), str(root))

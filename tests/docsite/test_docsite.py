"""The site is made of all pages, in an order that a person gave them, and works without anybody else."""

import os
from pathlib import Path, PurePosixPath

import pytest

from docsite.foreign import foreign
from docsite.navigation import named, navigation
from docsite.pages import indented, pages
from docsite.tree import ROOT, UnreachableError, led_to, links, place

MADE = pages(ROOT)


def test_every_page_is_in_the_navigation_once_and_nothing_else_is() -> None:
    nav = navigation((ROOT / "docs/README.md").read_text(), MADE)
    assert named(nav) == {str(place) for place in MADE if place.parts[0] != "tree"}
    titles = [title for entry in nav if isinstance(entry, dict) for title in entry]
    assert len(titles) == len(set(titles))
    assert len(titles) <= 8  # more, and nobody finds anything


@pytest.mark.parametrize("folder", ["friends", "guides", "reference", "lint"])
def test_the_page_of_a_folder_names_all_pages_of_it(folder: str) -> None:
    page = PurePosixPath("docs", folder, "README.md")
    led = {found[0] for link in links((ROOT / page).read_text()) if (found := led_to(page, link))}
    there = {PurePosixPath(path.relative_to(ROOT)) for path in (ROOT / page.parent).glob("*.md")}
    assert there - led == {page}


def test_every_link_of_the_site_leads_to_a_page_of_it() -> None:
    led = {
        (str(here), link, PurePosixPath(os.path.normpath(here.parent / link.partition("#")[0])))
        for here, text in MADE.items()
        for link in links(text)
        if "://" not in link and not link.startswith("#")
    }
    assert len(led) > 300
    assert [(page, link) for page, link, there in led if there not in MADE] == []


def test_files_and_folders_of_the_tree_that_pages_lead_to_are_pages(tmp_path: Path) -> None:
    for name, text in {
        "README.md": "[all](docs/README.md)",
        "docs/README.md": "[it](../examples/a.yaml#x) [them](../examples) ```[not](code)```\n",
        "examples/a.yaml": "a: |\n  ```\n",
        "examples/b.py": "b = 1\n",
        "examples/unseen/c": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "docs/README.md").write_text("[it](../examples/a.yaml) [them](../examples)\n\n```sh\n[no](link)\n```\n")
    made = {str(at): text for at, text in pages(tmp_path).items()}
    assert set(made) == {
        "README.md", "project/readme.md", "tree/examples/index.md", "tree/examples/a.yaml.md", "tree/examples/b.py.md",
    }  # fmt: skip
    assert made["project/readme.md"] == "[all](../README.md)"
    assert made["README.md"].startswith("[it](tree/examples/a.yaml.md) [them](tree/examples/index.md)\n")
    assert "[no](link)" in made["README.md"]
    assert "````yaml\na: |\n  ```\n````\n" in made["tree/examples/a.yaml.md"]
    assert "[b.py](b.py.md)" in made["tree/examples/index.md"]
    (tmp_path / "docs/lost.md").write_text("[gone](../gone.yaml)")
    with pytest.raises(UnreachableError, match=r"lost.md leads to \.\./gone.yaml"):
        pages(tmp_path)


def test_where_the_site_has_what() -> None:
    assert str(place(PurePosixPath("docs/lint"), is_folder=True)) == "lint/README.md"
    assert str(place(PurePosixPath("tests/bench/history.md"), is_folder=False)) == "tree/tests/bench/history.md"
    assert led_to(PurePosixPath("docs/a.md"), "https://example.com/") is None
    assert led_to(PurePosixPath("docs/a.md"), "#here") is None
    assert led_to(PurePosixPath("docs/x/a.md"), "../b.md#c") == (PurePosixPath("docs/b.md"), "c")


def test_what_belongs_to_an_item_is_four_columns_in() -> None:
    assert indented("1. one\n\n   ```sh\n     x\n   ```\n- two\n  more\n\n  and\n\nno item\n  of it\n") == (
        "1. one\n\n    ```sh\n      x\n    ```\n- two\n    more\n\n    and\n\nno item\n  of it\n"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "<script src='https://cdn.test/x.js'></script>"),
        ("a.html", "<link rel=stylesheet href='//cdn.test/x.css'>"),
        ("a.html", "<img srcset='https://cdn.test/x.png 2x'>"),
        ("a.html", "<style>p { background: url(https://cdn.test/x) }</style>"),
        ("a.html", "<p style='background: url(https://cdn.test/x)'>"),
        ("a.html", "<meta http-equiv='refresh' content='0; url=https://cdn.test/'>"),
        ("a.css", '@import "https://cdn.test/x.css";'),
        ("a.css", "p { background: url( 'https://cdn.test/x' ) }"),
        ("a.js", 'fetch("https://cdn.test/x")'),
    ],
)
def test_what_a_browser_would_ask_of_others_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "good.html").write_text("<a href='https://example.com/'>there</a><img src='x.png'><script src='/a.js'>")
    (found,) = foreign(tmp_path)
    assert found.startswith(f"{name}: ")
    assert "cdn.test" in found

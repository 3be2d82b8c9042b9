"""`python -m docsite`: build the site, and look for links that lead nowhere and for addresses of others."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml

from docsite import screenshots
from docsite.foreign import foreign
from docsite.navigation import navigation
from docsite.pages import pages
from docsite.tree import ROOT, UnreachableError

FOLDER: Final = ROOT / ".build/docsite"
SITE: Final = ROOT / ".build/site"
SETTINGS: Final = Path(__file__).with_name("mkdocs.yml")


def stage() -> Path:
    """Write the pages and the settings that the maker of the site takes; gives the settings."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    made = pages(ROOT)
    pictures = FOLDER / "docs" / screenshots.FOLDER
    if reason := screenshots.take(pictures):
        sys.stdout.write(f"without screenshots of the page: {reason}\n")
    there = {path.name for path in pictures.glob("*.png")} if reason is None else set()
    for place, text in made.items():
        path = FOLDER / "docs" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(screenshots.with_pictures(text, there, "../" * (len(place.parts) - 1)))
    settings = {
        "INHERIT": os.path.relpath(SETTINGS, FOLDER),
        "docs_dir": "docs",
        "site_dir": os.path.relpath(SITE, FOLDER),
        "nav": navigation((ROOT / "docs/README.md").read_text(), made),
    }
    (FOLDER / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return FOLDER / "mkdocs.yml"


def main() -> int:
    """Build it; the exit code."""
    try:
        settings = stage()
    except UnreachableError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean", "--quiet", "-f", str(settings)]
    if code := subprocess.run(command, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=False).returncode:
        return code
    if addresses := foreign(SITE):
        sys.stderr.write("".join(f"asks somebody else: {address}\n" for address in addresses))
        return 1
    sys.stdout.write(
        f"{SITE.relative_to(ROOT)}/ is the site; to read it: {Path(sys.executable).name} -m http.server -b 127.0.0.1 "
        f"-d {SITE.relative_to(ROOT)} 8000, and then http://127.0.0.1:8000/\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

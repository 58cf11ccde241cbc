"""The README and the pages of docs/, and what is shown in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
SITE = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))


def nav_pages(entries: Any = SITE["nav"]) -> Iterator[str]:
    """The names of all pages in the navigation, in its order."""
    if isinstance(entries, str):
        yield entries
        return
    for entry in entries.values() if isinstance(entries, dict) else entries:
        yield from nav_pages(entry)


#: The pages that are written by hand, in the order in which they are read.
PAGES = (README, *(path for path in (REPOSITORY / "docs" / name for name in nav_pages()) if path.exists()))


def name_of(page: Path) -> str:
    """A page as it is called in the repository."""
    return str(page.relative_to(REPOSITORY))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def text_of(page: Path) -> str:
    """What stands outside of fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    """The arguments of each `$ molgraph ...` line of the console blocks; a line may go on after a backslash."""
    text = "".join(blocks(page, "console")).replace("\\\n", " ")
    lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("molgraph ")]


def mentions(page: Path) -> list[list[str]]:
    """The words of each `molgraph ...` in running text."""
    return [shlex.split(words) for words in re.findall(r"`molgraph ([^`]+)`", text_of(page))]

"""The README is short, and all pages are found; links between pages are checked by `make docs`."""

import importlib
import re
from functools import reduce
from pathlib import Path

import pytest
from pages import PAGES as MADE

from tests.contracts.test_floors import FLOORS
from tests.docs.pages import PAGES, README, REPOSITORY, SITE, name_of, nav_pages, text_of

DOCS = REPOSITORY / "docs"


def test_the_readme_is_short() -> None:
    assert len(README.read_bytes()) <= 8_000


def test_every_page_is_in_the_navigation() -> None:
    written = {path.name for path in DOCS.glob("*.md")}
    names = list(nav_pages())
    assert len(names) == len(set(names))
    assert set(names) == written | set(MADE)
    assert not written & set(MADE)


def test_the_links_of_the_readme_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", text_of(README))
    assert targets
    assert {target for target in targets if not (REPOSITORY / target).is_file()} == set()
    assert {name_of(page) for page in PAGES if page.parent == DOCS} <= set(targets)


def test_the_site_is_strict_and_needs_no_network() -> None:
    assert SITE["strict"]
    assert {level for checks in SITE["validation"].values() for level in checks.values()} == {"warn"}
    assert SITE["theme"]["font"] is False
    assert not any(key.startswith("repo_") or key == "site_url" for key in SITE)
    assert not any("//" in name for key in ("extra_css", "extra_javascript") for name in SITE.get(key, []))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_named_of_the_code_is_there(page: Path) -> None:
    """Dotted names can be imported, and paths lead to files: a move must not leave a page behind."""
    text = text_of(page)
    missing = [name for name in set(re.findall(r"`(molgraph(?:\.\w+)+)`", text)) if not exists(name)]
    paths = re.findall(r"`((?:molgraph|cli|tests|benchmarks|docs)/[\w/.-]*)`", text)
    # What worked examples would add.
    planned = {"molgraph/files/json_lines.py", "molgraph/learners/ridge.py", "molgraph/models/heads/laplace.py"}
    missing += [path for path in set(paths) - planned if not (REPOSITORY / path).exists()]
    assert missing == []


def exists(name: str) -> bool:
    """Whether a module, or something in one, has this name."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        return reduce(lambda own, part: getattr(own, part, None), parts[n:], found) is not None
    return False


def test_the_floors_are_those_of_the_contract() -> None:
    rows = re.findall(r"^\| F(\d) \| (.*) \|$", (DOCS / "design.md").read_text(encoding="utf-8"), re.MULTILINE)
    shown = {int(floor): set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", units))) for floor, units in rows}
    assert shown == dict(enumerate(FLOORS))

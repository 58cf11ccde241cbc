"""The worked examples of `docs/contributing.md`: one file and one row, added to a copy of the library."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "contributing.md"

#: The row goes behind the last one.
END_OF_TABLE = """
        )
    }
)

# The names are those of the rows"""


def example(section: str, language: str) -> str:
    """The one block of the language below a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return block


def copy_with(section: str, folder: Path, *, module: str, table: str) -> Path:
    """A copy of the library and the command line in `folder`, with the module and the row of a section.

    Args:
        section: Heading of the page.
        folder: Where the copy is made.
        module: File that its block of Python becomes, below the package.
        table: File whose table gets the row, below the package.
    """
    for name, package in (("molgraph", "molgraph"), ("cli", "molgraph_cli")):
        shutil.copytree(REPOSITORY / name, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "molgraph_data").symlink_to(REPOSITORY / "data")
    (folder / "molgraph" / module).write_text(example(section, "python"))
    path = folder / "molgraph" / table
    text = path.read_text()
    assert text.count(END_OF_TABLE) == 1
    row = example(section, "py").rstrip()
    path.write_text(text.replace(END_OF_TABLE, f"\n{row},{END_OF_TABLE}"))
    return folder


def run_copy(copy: Path, place: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    """The command `molgraph` of a copy, run in the folder `place`."""
    code = "from molgraph_cli.start import run; run()"
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONSAFEPATH": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=place, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

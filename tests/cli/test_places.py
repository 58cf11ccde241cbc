"""Messages name the line that an editor shows, and say what was chosen where a file left a choice."""

import csv
import subprocess
import sys

import pytest

TABLE = """# exported on Monday
# by hand

name,canonical_smiles,isomeric_smiles,pIC50
one,CC(N)O,C[C@H](N)O,5
"two
lines",CCO,CCO,6

three,wrong,wrong,7
four,CCN,CCN,weak
four,CCN,CCN,8
"""
#: Line of each in the text above.
WRONG, WEAK, REPEAT = 9, 10, 11


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


def run(*arguments) -> tuple[int, str]:
    command = [sys.executable, "-c", "from molgraph_cli.start import run; run()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, " ".join(done.stderr.split())


def test_predict_and_screen_name_the_line(table, tmp_path):
    code, output = run("predict", "solubility", table, "-o", tmp_path / "out.csv", "--processes", "1")
    assert code == 0
    assert f"rejected: line {WRONG} (three) 'wrong'" in output
    assert "structures are read from 'isomeric_smiles', not from 'canonical_smiles'" in output
    code, output = run("screen", "solubility", table, "-o", tmp_path / "hits", "--processes", "1")
    assert code == 0
    assert f"rejected: line {WRONG} (three) 'wrong'" in output
    assert "structures are read from 'isomeric_smiles', not from 'canonical_smiles'" in output
    for name, lines in (("rejected.csv", [WRONG]), ("duplicates.csv", [REPEAT])):
        with (tmp_path / "hits" / name).open(newline="") as file:
            assert [int(row["line"]) for row in csv.DictReader(file)] == lines


def test_train_names_the_line_of_a_bad_cell(table, tmp_path):
    code, output = run("train", table, "--target-columns", "pIC50", "-o", tmp_path / "model")
    assert code == 2
    assert f"'weak' in line {WEAK}" in output

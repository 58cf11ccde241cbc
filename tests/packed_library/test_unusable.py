"""An input without any valid molecule."""

import pytest

from molgraph import predict_file
from molgraph.errors import InputError

NO_BLOCK = "x\n\n\n  3  0  0  0  0  0  0  0  0  0999 V2000\nrubbish\nM  END\n$$$$\n"


@pytest.mark.parametrize(
    ("name", "text", "reasons"),
    [
        ("a.sdf", NO_BLOCK, ["Atom line too short", "is the file complete?"]),
        ("a.csv", "smiles\naspirin\n", ["is it a name? SMILES Parse Error", "is 'smiles' the column of structures?"]),
        ("b.csv", "smiles\n50-78-2\n", ["this is a CAS number; look up its SMILES"]),
        (
            "c.csv",
            "smiles\nBQJCRHHNABKAKU-KBQPJGBKSA-N\n",
            ["this is an InChIKey, from which no structure can be made"],
        ),
        ("d.csv", "smiles\nInChI=1S/C2H6O/broken\n", ["RDKit cannot read this InChI"]),
    ],
)
def test_the_message_has_the_reason(tmp_path, name, text, reasons):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="no row gives a molecule") as caught:
        predict_file("solubility", tmp_path / name, tmp_path / "out.csv")
    assert all(reason in str(caught.value) for reason in reasons)
    assert not (tmp_path / "out.csv").exists()


def test_spreadsheet_marks_before_a_structure(tmp_path):
    (tmp_path / "in.csv").write_text('smiles\n"=""CCO"""\n=CCO\n\'CCO\n')
    summary = predict_file("solubility", tmp_path / "in.csv", tmp_path / "out.csv")
    assert (summary.predicted, summary.rejected) == (3, 0)
    assert [line.split(",")[1] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]] == ["CCO"] * 3


def test_cxsmiles_by_its_ending(tmp_path):
    (tmp_path / "in.cxsmiles").write_text("smiles name\nC[C@H](N)O |&1:1| racemate\nCCO ethanol\n")
    assert predict_file("solubility", tmp_path / "in.cxsmiles", tmp_path / "out.csv").predicted == 2
    assert [line.split(",")[0] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]] == [
        "racemate",
        "ethanol",
    ]

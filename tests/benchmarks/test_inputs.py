from inputs import library_smiles, write_library


def test_both_library_files_hold_the_same_molecules(data_dir, tmp_path):
    smiles = library_smiles(data_dir, 50)
    table, plain = write_library(smiles, tmp_path, "library")
    assert table.read_text().splitlines() == ["smiles", *smiles]
    assert [line.split()[0] for line in plain.read_text().splitlines()] == smiles
    assert len(smiles) == 50

import json
import mmap

import numpy as np
import pytest

from molgraph.errors import InputError
from molgraph.features.featurize import featurize
from molgraph.graph_files import FORMAT_VERSION, load_graphs, save_graphs

ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr", "row_index")
SMILES = ["CCO", "bad", "C", "c1ccccc1", "CN(C)(C)C", "N[C@@H](C)C(=O)O"]


@pytest.fixture
def folder(tmp_path):
    save_graphs(featurize(SMILES), tmp_path / "graphs")
    return tmp_path / "graphs"


@pytest.mark.parametrize("use_mmap", [False, True])
@pytest.mark.parametrize("smiles", [SMILES, [], ["bad"], ["C"]])
def test_round_trip(tmp_path, smiles, use_mmap):
    graphs = featurize(smiles)
    save_graphs(graphs, tmp_path / "graphs")
    loaded = load_graphs(tmp_path / "graphs", mmap=use_mmap)
    for name in ARRAYS:
        one, other = getattr(graphs, name), getattr(loaded, name)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert loaded.rejected == graphs.rejected
    assert loaded.schema == graphs.schema


def test_mapped_arrays_are_views_of_the_files(folder):
    codes = load_graphs(folder, mmap=True).slice(1, 3).atom_codes
    assert not codes.flags.writeable
    base = codes
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)


def test_nothing_is_overwritten_or_left_half_done(folder, tmp_path, monkeypatch):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(InputError, match="exists and is not empty"):
        save_graphs(featurize(["C"]), folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(InputError, match="no space left"):
        save_graphs(featurize(["C"]), tmp_path / "new")
    assert [file.name for file in tmp_path.iterdir()] == ["graphs"]


@pytest.mark.parametrize("name", [f"{name}.npy" for name in ARRAYS])
@pytest.mark.parametrize("fault", ["truncated", "tampered", "empty", "missing", "folder"])
def test_damaged_array(folder, name, fault):
    path = folder / name
    content = bytearray(path.read_bytes())
    path.unlink()
    if fault == "truncated":
        path.write_bytes(content[:-1])
    elif fault == "tampered":
        content[-1] ^= 1
        path.write_bytes(content)
    elif fault == "empty":
        path.write_bytes(b"")
    elif fault == "folder":
        path.mkdir()
    for use_mmap in (False, True):
        with pytest.raises(InputError, match=name) as caught:
            load_graphs(folder, mmap=use_mmap)
        assert "\n" not in str(caught.value)


def edited(card: dict, **changes) -> bytes:
    return json.dumps(card | changes).encode()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda card: edited(card, schema="other"), "seal does not fit"),
        (lambda card: edited(card, rejected=[]), "seal does not fit"),
        (lambda card: edited(card, seal=None), "seal does not fit"),
        (
            lambda card: edited(card, format_version=FORMAT_VERSION + 1, molgraph_version="9.9"),
            "format 2, written by molgraph 9.9",
        ),
        (lambda card: edited(card, format_version="1"), "no format_version"),
        (lambda card: edited(card)[:-20], "damaged"),
        (lambda card: b"[]", "no format_version"),
        (lambda card: b"", "damaged"),
        (lambda card: b"\xff\xfe", "damaged"),
    ],
)
def test_damaged_card(folder, edit, message):
    path = folder / "graphs.json"
    path.write_bytes(edit(json.loads(path.read_text())))
    with pytest.raises(InputError, match=message) as caught:
        load_graphs(folder)
    assert "\n" not in str(caught.value)


def test_not_a_folder_of_graphs(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(InputError, match=r"graphs\.json"):
            load_graphs(path)

"""A packed library: the same rows, the same numbers; damaged or hostile, one clear line."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from molgraph import Predictor, check_library, featurize, pack_library, predict_file, screen
from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError
from molgraph.files.reader import open_records
from molgraph.files.records import RecordBatch
from molgraph.graphs import PackedGraphs
from molgraph.packed_library import pack
from molgraph.packed_library.index import is_packed, read_index
from molgraph.packed_library.open_library import open_library
from molgraph.packed_library.shard import joined, parts, read_shard, shard_bytes
from molgraph.results.prediction import Rejected
from molgraph.storage.hashes import values_sha256

GRAPH_ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_ptr", "bond_ptr", "row_index")


@pytest.fixture
def table(tmp_path, assay):
    """120 rows with a price: compounds, garbage, repeats, a name that is a formula, one that spans lines."""
    rows = [f"{text},cpd{row},{row / 4}" for row, text in enumerate(assay[0][:100])]
    rows[7:7] = ["C1CC,ring,1", "oops,=cmd(),2", ",empty,3", 'CCO,"two\nlines",4', f"{assay[0][3]},again,5"]
    rows += [f"{text},tail{row},{row}" for row, text in enumerate(assay[0][200:215])]
    path = tmp_path / "library.csv"
    path.write_text("smiles,id,price\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(pack, "SHARD_ROWS", 32)
    monkeypatch.setattr(pack, "_BATCH_SIZE", 8)


def records(reader) -> list[tuple]:
    """(row, id, structure, price, atoms or the reason) of every record, in order."""
    found = []
    with reader:
        for batch in reader:
            graphs = batch.graphs or featurize(batch.smiles, ids=batch.ids)
            atoms = dict(zip(graphs.row_index.tolist(), np.diff(graphs.atom_ptr).tolist(), strict=True))
            reasons = {bad.row: bad.reason for bad in graphs.rejected}
            for i, row in enumerate(batch.rows.tolist()):
                found.append(
                    (row, batch.ids[i], batch.smiles[i], batch.columns["price"][i], atoms.get(i, reasons.get(i)))
                )
            for bad, price in zip(batch.rejected, batch.rejected_columns["price"], strict=True):
                found.append((bad.row, bad.id, bad.text, price, bad.reason))
    return sorted(found)


@pytest.mark.parametrize(("processes", "batch_size"), [(1, 5), (1, 32), (1, 1000), (2, 5)])
def test_the_records_are_those_of_the_file(table, tmp_path, processes, batch_size):
    summary = pack_library(table, tmp_path / "packed", keep_columns=["price"], processes=processes)
    assert (summary.rows_read, summary.molecules, summary.rejected, summary.total_rows) == (120, 117, 3, 120)
    assert [bad.row for bad in summary.first_rejected] == [7, 8, 9]
    packed = records(open_library(tmp_path / "packed", keep_columns=["price"], batch_size=batch_size))
    assert packed == records(open_records(table, keep_columns=["price"], batch_size=batch_size))
    assert [row for row, *_ in packed] == list(range(120))
    index = check_library(tmp_path / "packed")
    assert (index.n_records, index.n_molecules, len(index.shards)) == (120, 117, 4)
    assert (index.sources, index.columns, index.smiles_column, index.id_column) == (
        ("library.csv",), ("price",), "smiles", "id")  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "packed").iterdir()) == ["library.json", "shards"]


def read_columns(path) -> dict[str, list[str]]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def test_a_screen_equals_that_of_the_file(model_folder, table, tmp_path):
    predictor = Predictor.load(model_folder, device="cpu")
    pack_library(table, tmp_path / "packed", keep_columns="all")
    options = {"top": 20, "hit": "pIC50 >= 6", "fdr": 0.4, "keep_columns": ["price"]}
    for name, source in (("a", table), ("b", tmp_path / "packed")):
        result = screen(predictor, source, output=tmp_path / name, config=ScreenConfig(**options))
        assert (result.rows_read, result.scored, result.rejected, result.duplicates) == (120, 116, 3, 1)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "b").iterdir())
    for name in files:
        if name in {"rejected.csv", "duplicates.csv"}:  # only a file has lines
            of_file, packed = (read_columns(tmp_path / folder / name) for folder in "ab")
            assert all(of_file.pop("line"))
            assert not any(packed.pop("line"))
            assert of_file == packed
        elif not name.endswith(".json"):
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    predict_file(model_folder, table, tmp_path / "a.csv", device="cpu")
    predict_file(model_folder, tmp_path / "packed", tmp_path / "b.csv", device="cpu")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_worker_processes_get_the_graphs(model_folder, table, tmp_path):
    pack_library(table, tmp_path / "packed")
    for processes in (1, 2):
        screen(
            model_folder,
            tmp_path / "packed",
            output=tmp_path / str(processes),
            compute=ComputeConfig(device="cpu", processes=processes),
        )
    assert (tmp_path / "1" / "hits.csv").read_bytes() == (tmp_path / "2" / "hits.csv").read_bytes()


def test_records_can_be_appended(table, tmp_path, assay):
    pack_library(table, tmp_path / "packed", keep_columns=["price"])
    more = tmp_path / "more.csv"
    more.write_text(
        "smiles,id,price\n" + "\n".join(f"{text},more{row},1" for row, text in enumerate(assay[0][300:340]))
    )
    summary = pack_library(more, tmp_path / "packed", keep_columns=["price"], append=True)
    assert (summary.rows_read, summary.total_rows) == (40, 160)
    index = check_library(tmp_path / "packed")
    assert index.sources == ("library.csv", "more.csv")
    found = records(open_library(tmp_path / "packed", keep_columns=["price"]))
    assert [row for row, *_ in found] == list(range(160))
    assert [id_ for _, id_, *_ in found[120:]] == [f"more{row}" for row in range(40)]
    before = (tmp_path / "packed" / "library.json").read_bytes()
    for options, words in (
        ({"keep_columns": []}, "the library has columns"),
        ({"keep_columns": ["price"], "standardizer": "none"}, "the library has standardizer 'default', and"),
    ):
        with pytest.raises(InputError, match=words):
            pack_library(more, tmp_path / "packed", append=True, **options)
    assert (tmp_path / "packed" / "library.json").read_bytes() == before
    with pytest.raises(InputError, match="is no packed library"):
        pack_library(more, tmp_path / "nothing", append=True)


def test_invalid_calls_are_refused(model_folder, table, tmp_path):
    pack_library(table, tmp_path / "packed")
    pack_library(table, tmp_path / "raw", standardizer="none")
    assert is_packed(tmp_path / "packed")
    assert not is_packed(table)
    predictor = Predictor.load(model_folder, device="cpu")
    with pytest.raises(
        InputError, match=r"packed with the standardizer 'none', and the model was trained with 'default'"
    ):
        screen(predictor, tmp_path / "raw", output=tmp_path / "hits")
    with pytest.raises(InputError, match=r"packed without the column 'price'; it has none; pack it again"):
        screen(predictor, tmp_path / "packed", output=tmp_path / "hits", config=ScreenConfig(keep_columns=["price"]))
    with pytest.raises(InputError, match=r"packed with the column 'smiles', not 'structure'"):
        screen(predictor, tmp_path / "packed", output=tmp_path / "hits", config=ScreenConfig(smiles_column="structure"))
    with pytest.raises(InputError, match="is a packed library already"):
        pack_library(tmp_path / "packed", tmp_path / "again")
    with pytest.raises(InputError, match="not empty"):
        pack_library(table, tmp_path / "packed")
    with pytest.raises(InputError, match="give one of the two"):
        pack_library(table, tmp_path / "packed", append=True, overwrite=True)
    with pytest.raises(InputError, match="processes is 0"):
        pack_library(table, tmp_path / "new", processes=0)
    with pytest.raises(InputError, match="standardizer is 'all'"):
        pack_library(table, tmp_path / "new", standardizer="all")
    (tmp_path / "bad.csv").write_text("smiles\nbad\nworse\n")
    with pytest.raises(InputError, match="no row gives a molecule"):
        pack_library(tmp_path / "bad.csv", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "library.csv", "packed", "raw"]


def test_damage_is_noticed(table, tmp_path):
    pack_library(table, tmp_path / "whole")

    def damaged(change):
        folder = tmp_path / "packed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "whole", folder)
        change(folder)
        with pytest.raises(InputError) as error:
            check_library(folder)
        assert "\n" not in str(error.value)
        return str(error.value)

    shard = "shards/000001.safetensors"
    assert "its sha256 is not the one" in damaged(lambda folder: flip(folder / shard))
    assert "is missing" in damaged(lambda folder: (folder / shard).unlink())
    assert "seal does not fit" in damaged(lambda folder: edit(folder, columns=["price"]))
    assert "has format 9, written by molgraph" in damaged(lambda folder: edit(folder, format_version=9))
    assert "is damaged" in damaged(lambda folder: (folder / "library.json").write_text("{"))
    assert "is damaged (no table)" in damaged(lambda folder: (folder / "library.json").write_text("[]"))
    assert "is no packed library" in damaged(lambda folder: (folder / "library.json").unlink())


def flip(path: Path) -> None:
    stored = bytearray(path.read_bytes())
    stored[-1] ^= 1
    path.write_bytes(stored)


def edit(folder: Path, **values) -> None:
    path = folder / "library.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("atom_codes", lambda a: np.full_like(a, 255), "a code is out of range"),
        ("bond_codes", lambda a: a[:, :2], "a code is out of range"),
        ("bond_atoms", lambda a: a + np.uint16(900), "a bond ends at an atom that is not there"),
        ("atom_ptr", lambda a: np.concatenate([a[:1], a[1:-1][::-1], a[-1:]]), "a pointer runs backwards"),
        ("atom_ptr", lambda a: a[:-1], "damaged"),
        ("row_index", lambda a: a + 1000, "a row that is not there"),
        ("row_index", np.zeros_like, "a row has no molecule and no reason, or more than one"),
        ("rows", lambda a: a[::-1].copy(), "do not go together"),
        ("ptr.ids", lambda a: a * 3, "the texts of ids do not fit"),
        ("text.smiles", lambda a: a[:-3], "the texts of smiles do not fit"),
        ("lost", lambda a: np.frombuffer(b"[]", dtype=np.uint8), "damaged"),
    ],
)
def test_indices_out_of_range_are_refused(table, tmp_path, name, change, words):
    """As after a hash that somebody took the trouble to make fit."""
    pack_library(table, tmp_path / "packed")
    path = tmp_path / "packed" / "shards" / "000000.safetensors"
    with safe_open(path, framework="np") as file:
        about, arrays = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    save_file({**arrays, name: np.ascontiguousarray(change(arrays[name]))}, path, metadata=about)
    with pytest.raises(InputError, match="its sha256 is not the one"):
        list(open_library(tmp_path / "packed"))
    resealed(tmp_path / "packed")
    with pytest.raises(InputError, match=words):
        list(open_library(tmp_path / "packed"))


def resealed(folder: Path, **changed) -> None:
    """Make the hash of the first shard, and the seal of the index, fit."""

    values = json.loads((folder / "library.json").read_text())
    content = (folder / "shards" / "000000.safetensors").read_bytes()
    values["shards"][0] |= {"sha256": hashlib.sha256(content).hexdigest(), **changed}
    values.pop("seal")
    values["seal"] = values_sha256(values)
    (folder / "library.json").write_text(json.dumps(values))


@pytest.mark.parametrize(
    "lost",
    [b"[" * 100_000, b"null", b'{"unread": [], "unread_columns": []}', b'{"unread": 1, "unread_columns": [], "rejected": []}',
     b'{"unread": [], "unread_columns": [], "rejected": [[18446744073709551615, "a", "b", "parse", "c"]]}',
     b'{"unread": [[1, "a", "b", "parse", "c"]], "unread_columns": [], "rejected": []}', b"\xff", b'"\\ud800"'],
    ids=range(8),
)  # fmt: skip
def test_damaged_rejected_rows_are_refused(table, tmp_path, lost):
    pack_library(table, tmp_path / "packed")
    path = tmp_path / "packed" / "shards" / "000000.safetensors"
    with safe_open(path, framework="np") as file:
        about, arrays = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    save_file({**arrays, "lost": np.frombuffer(lost, np.uint8)}, path, metadata=about)
    resealed(tmp_path / "packed")
    with pytest.raises(InputError, match="is damaged"):
        list(open_library(tmp_path / "packed"))
    save_file(arrays, path, metadata={**about, "first_row": "9" * 5000, "columns": lost.decode("latin-1")})
    resealed(tmp_path / "packed")
    with pytest.raises(InputError, match="is damaged"):
        list(open_library(tmp_path / "packed"))


def test_a_shard_that_is_cut_off_while_it_is_read(table, tmp_path):
    """Were it mapped, the system would end this process."""
    pack_library(table, tmp_path / "packed")
    reader = open_library(tmp_path / "packed", batch_size=8)
    assert len(next(reader).ids) > 0
    for path in (tmp_path / "packed" / "shards").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="its sha256 is not the one"):
        list(reader)


def test_an_index_that_points_out_of_its_folder(table, tmp_path):
    pack_library(table, tmp_path / "packed")
    index = read_index(tmp_path / "packed")
    assert [entry.first_row for entry in index.shards] == [0, 32, 64, 96]
    for changed, words in (
        ({"file": "../../etc/passwd"}, "is no file of its folder"),
        ({"first_row": 5}, "do not follow those before"),
        ({"n_records": -1}, "do not follow those before"),
        ({"n_bytes": "many"}, "n_bytes is 'many'"),
        ({"file": None}, "file is None"),
    ):
        resealed(tmp_path / "packed", **{**vars(index.shards[0]), **changed})
        with pytest.raises(InputError, match=words):
            read_index(tmp_path / "packed")


TEXTS = st.lists(st.text(max_size=6), min_size=0, max_size=12)


@given(TEXTS, st.integers(0, 5), st.integers(1, 7))
def test_any_text_survives_a_round_trip(tmp_path_factory, ids, n_unread, size):
    n = len(ids)
    rows = np.sort(np.random.default_rng(n).permutation(n + n_unread)[:n]).astype(np.int64) + 50
    unread_rows = [row for row in range(50, 50 + n + n_unread) if row not in rows]
    structures, names = ["C" * (1 + i % 3) if i % 4 else "bad" for i in range(n)], [f"i{i}" for i in range(n)]
    graphs = featurize(structures, ids=names)
    batch = RecordBatch(
        50, rows, ids, [f"S{text}" for text in ids], {"note": ids[::-1]},
        tuple(Rejected(row, "i", "t", "read", "why") for row in unread_rows), {"note": ["\u2028"] * n_unread},
        graphs,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("shard") / "a"
    path.write_bytes(shard_bytes(batch))
    found = read_shard(path, ["note"], sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    assert (found.ids, found.smiles, dict(found.columns)) == (ids, batch.smiles, {"note": ids[::-1]})
    assert (found.first_row, found.rows.tolist(), found.rejected) == (50, rows.tolist(), batch.rejected)
    assert same(found.graphs, graphs)
    pieces = list(parts(found, size))
    assert [text for piece in pieces for text in piece.ids] == ids
    assert [bad for piece in pieces for bad in piece.rejected] == [*batch.rejected]
    assert [piece.first_row for piece in pieces] == list(range(50, 50 + n + n_unread, size))
    for piece in pieces:
        index = [i for i in range(n) if rows[i] in piece.rows]
        expected = featurize([structures[i] for i in index], ids=[names[i] for i in index])
        assert same(piece.graphs, expected)

    if pieces:
        assert same(joined(pieces).graphs, graphs)


def same(one: PackedGraphs, other: PackedGraphs) -> bool:
    return one.rejected == other.rejected and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in GRAPH_ARRAYS
    )

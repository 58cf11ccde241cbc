"""Tables of text, as they come from spreadsheets, databases and vendors."""

import io
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molgraph.errors import InputError
from molgraph.files import open_records, open_table_writer
from molgraph.files.delimited import sniff_delimiter


def test_columns_are_found_by_name_and_kept_unchanged(write):
    path = write("library.csv", "Compound ID,Canonical SMILES, pIC50 ,note\nA1, CCO ,6.50,\n,C,, x \n")
    with open_records(path, keep_columns="all") as reader:
        assert reader.column_names == ("Compound ID", "Canonical SMILES", "pIC50", "note")
        assert (reader.smiles_column, reader.id_column, reader.format) == ("Canonical SMILES", "Compound ID", "csv")
        (batch,) = reader
        assert reader.bytes_read == reader.bytes_total == path.stat().st_size
    assert batch.smiles == ["CCO", "C"]
    assert batch.ids == ["A1", "1"]
    assert dict(batch.columns) == {"pIC50": ["6.50", ""], "note": ["", " x "]}
    assert batch.rows.tolist() == [0, 1]


def test_columns_can_be_given(read, write):
    path = write("library.csv", "smiles,other,tag\nC,CC,x\n")
    result = read(path, smiles_column="other", id_column="tag", keep_columns=["smiles"])
    assert result[:3] == (["CC"], ["x"], {"smiles": ["C"]})


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsmiles,id\nCCO,a\nC,b\n",
        b"smiles,id\r\nCCO,a\r\nC,b\r\n",
        b"smiles,id\rCCO,a\rC,b\r",
        b"smiles,id\nCCO,a\nC,b",
        b"\n\nsmiles,id\n\nCCO,a\n  \n\r\nC,b\n\n\n",
        b"smiles;id\nCCO;a\nC;b\n",
        b"smiles\tid\nCCO\ta\nC\tb\n",
        b"sep=;\nsmiles;id\nCCO;a\nC;b\n",
        b'"smiles","id"\r\n"CCO","a"\r\n"C","b"\r\n',
        b"smiles,id\nCCO |$;;R1$|,a\nC,b\n",
        b"smiles,id,\nCCO,a,\nC,b,,,\n",
    ],
    ids=["bom", "windows", "mac", "no last end", "blank lines", "semicolon", "tab", "sep", "quoted", "cx", "ragged"],
)
def test_dialects(read, write, content):
    assert read(write("library.csv", content))[:2] == (["CCO", "C"], ["a", "b"])


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("comma", '"2,2-dimethyl"'),
        ("newline", '"two\nlines"'),
        ("windows newline", '"two\r\nlines"'),
        ("doubled quotes", '"5""-end"'),
        ("inner quotes", '2,2"-bipyridine'.replace(",", ";")),
        ("unicode", "β-carotin №1 \u2028 \x85"),
    ],
)
def test_names(read, write, name, cell):
    text = cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
    assert read(write("library.csv", f"id,smiles\n{cell},CCO\nnext,C\n"))[:2] == (["CCO", "C"], [text, "next"])


def test_bytes_that_are_not_utf_8_are_latin_1_line_by_line(read, write):
    content = "id,smiles\né,C\n".encode() + "é,CC\n".encode("latin-1")
    assert read(write("library.csv", content))[1] == ["é", "é"]


def test_bad_rows_are_rejected_alone(read, write):
    path = write("library.csv", 'id,smiles,x\na,C,1\nb,CC\nc,CC,1,2\nd,,1\n"e,CCC,1\nf,CCCC,1\ng\0,C,1\nh,CO,"1"\n')
    smiles, ids, _, rejected = read(path)
    assert (smiles, ids) == (["C", "CCCC", "CO"], ["a", "f", "h"])
    assert [(row, reason) for row, _, reason in rejected] == [
        (1, "the row has 2 cells and the header 3"),
        (2, "the row has 4 cells and the header 3"),
        (3, "the structure is empty"),
        (4, "a quote is opened and not closed"),
        (6, "the line holds NUL bytes"),
    ]
    assert rejected[3][1] == '"e,CCC,1'


def test_an_open_quote_rejects_one_row_of_many(read, write):
    rows = [f"m{i},C,{i}" for i in range(60_000)]
    rows[10] = '"m10,C,10'
    smiles, ids, _, rejected = read(write("library.csv", "id,smiles,x\n" + "\n".join(rows)))
    assert len(smiles) == 59_999
    assert ids[10] == "m11"
    assert [row for row, _, _ in rejected] == [10]


def test_an_overlong_line_is_rejected_in_little_memory(read, write):
    path = write("library.csv", "smiles,id\nC,a\n" + "C" * 5_000_000 + ",b\nCC,c\n" + "C" * 1_100_000 + "\nCCC,e")
    smiles, ids, _, rejected = read(path)
    assert (smiles, ids) == (["C", "CC", "CCC"], ["a", "c", "e"])
    assert [(row, len(text), reason) for row, text, reason in rejected] == [
        (1, 200, "the line is longer than 1000000 bytes"),
        (3, 200, "the line is longer than 1000000 bytes"),
    ]


@pytest.mark.parametrize("name", ["x.csv", "x.txt"])
def test_a_column_of_smiles_without_header(read, write, name):
    assert read(write(name, "CCO\nC\nc1ccccc1\n"))[:2] == (["CCO", "C", "c1ccccc1"], ["0", "1", "2"])


def test_a_name_with_smiles_in_it_is_taken_where_no_other_column_holds_structures(write):
    path = write("lab.csv", "Compound,Structure (SMILES),SMILES note\nA,CCO,checked twice\nB,CCN,-\n")
    with open_records(path) as reader:
        assert reader.smiles_column == "Structure (SMILES)"


def test_a_weak_name_is_taken_where_it_holds_structures(read, write):
    assert read(write("library.csv", "Drug,Structure,Y\naspirin,CC(=O)O,1\n"))[0] == ["CC(=O)O"]
    assert read(write("library.csv", "mol,CID\nCCO,x\n"))[:2] == (["CCO"], ["x"])
    with pytest.raises(
        InputError, match=r"'Drug', 'Mol' may each hold the structures; choose one with `smiles_column`"
    ):
        read(write("library.csv", "Drug,Mol\nCCO,CC\n"))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", {}, "library.csv is empty"),
        (b"\n \n", {}, "library.csv is empty"),
        (b"smiles,id\n", {}, "holds no molecules below the header"),
        (b"a,b\n1,2\n", {}, "no column is called smiles; name it with `smiles_column`, from 'a', 'b'"),
        (b"a,b\nCCO,2\n", {}, "no column is called smiles; 'a' may be the one; name it"),
        (b"CCO,ethanol\nC,methane\n", {}, "the first line looks like data; put a header above it"),
        (b"smiles,SMILES\nC,C\n", {}, "which column is meant"),
        (b"smiles,x,x\nC,1,2\n", {"keep_columns": ["x"]}, "the header has 'x' more than once"),
        (b"smiles,pIC50\nC,1\n", {"smiles_column": "SMILE"}, r"no column 'SMILE'; did you mean 'smiles'\? The columns"),
        (b"smiles,pIC50\nC,1\n", {"keep_columns": ["pic"]}, r"no column 'pic'; did you mean 'pIC50'\?"),
        (b"smiles,pIC50\nC,1\n", {"id_column": "zzz"}, "no column 'zzz'; the columns are 'smiles', 'pIC50'"),
        ("smiles,id\nC,a\n".encode("utf-16"), {}, "is UTF-16 text; save it as UTF-8"),
        ("smiles,id\nC,a\n".encode("utf-16-le"), {}, "is binary, not text"),
        (b"PK\x03\x04 workbook", {}, "is an Excel workbook or a zip archive; save the sheet as CSV"),
        (b'"smiles,id\nC,a\n', {}, "the header cannot be read"),
    ],
)
def test_bad_files_give_one_clear_line(read, write, content, options, message):
    with pytest.raises(InputError, match=message) as caught:
        read(write("library.csv", content), **options)
    assert "\n" not in str(caught.value)
    assert "library.csv" in str(caught.value)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_batches_hold_consecutive_records(write, batch_size):
    path = write("library.csv", "smiles,x\n" + "".join(f"C,{i}\n" if i % 3 else f",{i}\n" for i in range(10)))
    with open_records(path, keep_columns=["x"], batch_size=batch_size) as reader:
        batches = list(reader)
    assert [batch.first_row for batch in batches] == list(range(0, 10, batch_size))
    for batch in batches:
        assert [int(x) for x in batch.columns["x"]] == batch.rows.tolist()
        assert len(batch) + len(batch.rejected) == min(batch_size, 10 - batch.first_row)


def test_stdin_is_recognised(monkeypatch):
    for content, format_name in [
        (b"smiles;id\nC;a\n", "csv"),
        (b"C a\nCC b\n", "smi"),
        (b"SMILES\nC\n", "csv"),
    ]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        with open_records("-") as reader:
            assert reader.format == format_name
            assert reader.bytes_total is None
            assert next(reader).smiles[0] == "C"
        assert not sys.stdin.buffer.closed


def test_wrong_options_are_refused(write):
    path = write("library.csv", "smiles\nC\n")
    with pytest.raises(InputError, match="batch_size is 0"):
        open_records(path, batch_size=0)
    with pytest.raises(InputError, match="must be a list of names"):
        open_records(path, keep_columns="smiles")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=1, max_size=6), suffix=st.sampled_from([".csv", ".tsv", ".csv.gz"]))
def test_any_name_survives_a_round_trip(read, tmp_path, names, suffix):
    path = Path(tmp_path, f"table{suffix}")
    with open_table_writer(path, ["id", "smiles", "note"]) as writer:
        writer.write({"id": names, "smiles": ["C"] * len(names), "note": names[::-1]})
    smiles, ids, columns, rejected = read(path, keep_columns=["note"])
    assert (len(smiles), rejected) == (len(names), [])
    for row, (name, note) in enumerate(zip(names, names[::-1], strict=True)):
        assert ids[row].removeprefix("'") == name.removeprefix("'") or (name == "" and ids[row] == str(row))
        assert columns["note"][row].removeprefix("'") == note.removeprefix("'")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(st.sampled_from('ab,"\n\r C\t'), max_size=60))
def test_every_record_of_any_text_is_accounted_for(read, write, content):
    path = write("library.csv", "smiles,id\nC,x\n" + content)
    smiles, ids, _, rejected = read(path, batch_size=2)
    assert smiles[0] == "C"
    assert len(smiles) == len(ids)
    n_lines = sum(1 for line in content.split("\n") if line.strip(" \r"))
    assert len(smiles) + len(rejected) - 1 <= n_lines


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(st.sampled_from('ab,"\n\r C'), max_size=60))
def test_the_fast_and_the_careful_path_agree(read, write, content):
    content = "smiles,id\nC,x\n" + content
    fast = read(write("library.csv", content), keep_columns="all")
    careful = read(
        write("library.csv", content + "\n\0"), keep_columns="all"
    )  # a NUL byte makes the whole block suspect
    assert careful.rejected.pop()[2] == "the line holds NUL bytes"
    assert careful == fast


def test_memory_does_not_grow_with_the_file(write):
    def peak(n_rows):
        path = write("library.csv", "smiles,id\n" + "c1ccccc1CCO,name\n" * n_rows)
        tracemalloc.start()
        with open_records(path) as reader:
            for _ in reader:
                pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak(200_000) < 1.2 * peak(50_000) < 24e6


def test_a_carriage_return_in_a_cell_of_the_header(write):
    assert sniff_delimiter("smiles;a\rx;IC50 (nM, mean)") == ";"
    with pytest.raises(InputError, match="smiles"):
        open_records(write("x.csv", b"id;\rdrug;y\nCCO;a;b\n"), smiles_column="smiles")

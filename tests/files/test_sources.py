"""Folders, globs, addresses, compressed and damaged files."""

import gzip
import io
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import pytest
import zstandard
from rdkit import Chem

from molgraph.errors import InputError
from molgraph.files import open_records

TEXT = "smiles,id\n" + "".join(f"CCO,name {i}\n" for i in range(50_000))


def test_a_folder_is_one_stream_in_sorted_order(read, write, tmp_path):
    write("b.csv", "smiles,x\nCC,2\n")
    write("a.csv", "x,smiles\n1,C\n")
    write("c.csv.gz", gzip.compress(b"smiles,x,more\nCCC,3,4\n"))
    write("README.txt", "not a library")
    write(".hidden.csv", "not a library")
    write("notes.md", "not a library")
    assert read(tmp_path, keep_columns="all")[:3] == (["C", "CC", "CCC"], ["0", "1", "2"], {"x": ["1", "2", "3"]})
    assert read(f"{tmp_path}/[bc].csv*").smiles == ["CC", "CCC"]
    with open_records(tmp_path, batch_size=1) as reader:
        sizes = [reader.bytes_read for _ in reader]
        assert sizes[-1] == reader.bytes_total == sum(path.stat().st_size for path in tmp_path.glob("[abc].csv*"))
        assert sizes == sorted(sizes)


def test_columns_may_be_chosen_from_the_names_of_all(read, write, tmp_path):
    """Of an SD file these are the properties of all records, also where it can be read only once."""

    def chosen(names):
        seen.append(tuple(names))
        return [name for name in names if name.startswith("p")]

    seen = []
    write("a.csv", "smiles,x,p1\nC,1,2\n")
    write("b.csv", "p1,smiles\n3,CC\n")
    assert read(f"{tmp_path}/*.csv", keep_columns=chosen).columns == {"p1": ["2", "3"]}
    assert seen == [("smiles", "x", "p1")]
    molblock = Chem.MolToMolBlock(Chem.MolFromSmiles("CO"))
    records = [f"{molblock}>  <{name}>\n{value}\n\n$$$$\n" for name, value in (("x", 1), ("p", 2))]
    path = write("c.sdf", "".join([records[0]] * 1500 + [records[1]]))
    assert read(path, keep_columns=chosen).columns == {"p": [""] * 1500 + ["2"]}
    pipe = tmp_path / "pipe.sdf"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(path.read_bytes(),))
    writer.start()
    assert read(pipe, keep_columns=chosen).columns == {"p": [""] * 1500 + ["2"]}
    writer.join()
    with pytest.raises(InputError, match="has no column 'q'"):
        read(tmp_path / "a.csv", keep_columns=lambda _names: ["q"])


def test_later_files_must_have_the_columns_of_the_first(read, write, tmp_path):
    write("a.csv", "smiles,x\nC,1\n")
    write("b.csv", "smiles,y\nC,1\n")
    with pytest.raises(InputError, match=r"b.csv has no column 'x'"):
        read(tmp_path, keep_columns="all")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.csv", "nowhere.csv does not exist; check the name"),
        ("*.nothing", "no file matches"),
        ("", "holds no readable file; a glob such as"),
        ("x.xlsx", "is a spreadsheet, which cannot be read; save the sheet as CSV"),
        ("x.docx", r"the ending is none of .csv .tsv .*or leave the ending out"),
    ],
)
def test_nothing_to_read_is_one_clear_line(tmp_path, name, message):
    if name.startswith("x."):
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=message):
        open_records(str(tmp_path / name) if name else tmp_path)


def test_mixed_formats_are_refused(write, tmp_path):
    write("a.csv", "smiles\nC\n")
    write("b.smi", "C\n")
    with pytest.raises(InputError, match=r"different formats \(csv, smi\)"):
        open_records(tmp_path)


def test_the_format_can_be_given(read, write):
    assert read(write("library.dat", "CCO ethanol\n"), format="smi").ids == ["ethanol"]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst"])
def test_compressed_tables(read, write, suffix):
    packed = {".csv": bytes, ".csv.gz": gzip.compress, ".csv.zst": zstandard.compress}[suffix](TEXT.encode())
    assert read(write(f"x{suffix}", packed)).ids[-1] == "name 49999"
    # what the file is counts for more than what it is called
    assert len(read(write("y.csv", packed)).ids) == 50_000


def test_files_of_many_members_are_read_to_the_end(read, write):
    for suffix, compress in [("gz", gzip.compress), ("zst", zstandard.compress)]:
        parts = [TEXT[:100_000], TEXT[100_000:]]
        path = write(f"x.csv.{suffix}", b"".join(compress(part.encode()) for part in parts))
        assert len(read(path).ids) == 50_000


@pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_damaged_compressed_data_are_one_clear_line(read, write, suffix, compress):
    whole = compress(TEXT.encode())
    for part in (10, 1000, len(whole) // 2, len(whole) - 1):
        with pytest.raises(InputError, match=rf"x.csv.{suffix} is cut short: .*; copy it again"):
            read(write(f"x.csv.{suffix}", whole[:part]))
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 2000]) + whole[middle + 2000 :]
    with pytest.raises(InputError, match=rf"x.csv.{suffix}: the compressed data are damaged \(.*\); copy it again"):
        read(write(f"x.csv.{suffix}", flipped))
    with pytest.raises(InputError, match=rf"x.csv.{suffix} is not {suffix} data, though its name says so"):
        read(write(f"x.csv.{suffix}", TEXT))
    with pytest.raises(InputError, match="is empty"):
        read(write(f"x.csv.{suffix}", compress(b"")))


def test_zstd_without_its_package_names_what_to_install(read, write, monkeypatch):
    path = write("x.csv.zst", zstandard.compress(TEXT.encode()))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(
        InputError, match=r"x.csv.zst needs zstandard; install it with: pip install 'molgraph-toolkit\[zstd\]'"
    ):
        read(path)


def test_stdin_may_be_compressed(read, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT.encode()))))
    assert len(read("-").ids) == 50_000
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match="stdin is empty"):
        read("-")


def test_a_pipe_has_no_size(tmp_path):
    os.mkfifo(tmp_path / "pipe.smi")
    with (
        subprocess.Popen(["/bin/sh", "-c", f"echo 'C a' > {tmp_path}/pipe.smi"]),
        open_records(tmp_path / "pipe.smi") as reader,
    ):
        assert reader.bytes_total is None
        assert next(reader).ids == ["a"]


def test_no_permission_is_one_clear_line(write, monkeypatch):
    path = write("x.csv", TEXT)

    def denied(self, mode):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(InputError, match=r"x.csv cannot be read \(Permission denied\); check"):
        open_records(path)


def test_file_addresses(read, write, tmp_path):
    path = write("with blank.smi.gz", gzip.compress(b"C a\nCC b\n"))
    assert read(path.as_uri()).ids == ["a", "b"]
    assert read(f"file://{tmp_path}/*.smi.gz").ids == ["a", "b"]


def test_remote_addresses(read):
    system = fsspec.filesystem("memory")
    system.pipe({"/lib/b.smi": b"CC b\n", "/lib/a.smi.gz": gzip.compress(b"C a\n"), "/lib/README.md": b"x"})
    assert read("memory://lib/a.smi.gz").ids == ["a"]
    assert read("memory://lib").ids == ["a", "b"]
    assert read("memory://lib/*.smi").ids == ["b"]
    with open_records("memory://lib/b.smi") as reader:
        assert reader.bytes_total == 5
    system.pipe("/lib/damaged.smi.gz", gzip.compress(b"C a\n")[:-5])
    with pytest.raises(InputError, match=r"memory://lib/damaged.smi.gz is cut short"):
        read("memory://lib/damaged.smi.gz")


def test_remote_parquet(read):
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"smiles": ["C", "CC"], "id": ["a", "b"]}), file)
    fsspec.filesystem("memory").pipe("/table.parquet", file.getvalue())
    assert read("memory://table.parquet").ids == ["a", "b"]


def test_arrow_file_systems(read, write, tmp_path, monkeypatch):
    """The route of s3:// and gs://, with a local folder as the bucket."""
    from pyarrow import fs

    write("library.smi", "C a\n")

    class Bucket:
        @staticmethod
        def from_uri(url):
            return fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), url.removeprefix("s3://bucket/")

    monkeypatch.setattr(fs, "FileSystem", Bucket)
    assert read("s3://bucket/library.smi").ids == ["a"]
    assert read("s3://bucket/*.smi").ids == ["a"]
    with pytest.raises(InputError, match=r"s3://bucket/other.smi cannot be reached"):
        open_records("s3://bucket/other.smi")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_web_addresses(read, write, tmp_path):
    pytest.importorskip("aiohttp")
    write("x.csv.gz", gzip.compress(TEXT.encode()))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert len(read(f"{address}/x.csv.gz").ids) == 50_000
        with pytest.raises(InputError, match=r"/y.csv.gz cannot be reached"):
            open_records(f"{address}/y.csv.gz")
        server.shutdown()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://nowhere/x.smi", r"memory://nowhere/x.smi cannot be reached \(.*\); check the address"),
        ("memory://nowhere/*.smi", "memory://nowhere/.*: no readable file is there"),
        ("nonsense://x.smi", "nonsense://x.smi cannot be reached"),
        ("http://127.0.0.1:9/x.smi", "http://127.0.0.1:9/x.smi cannot be reached"),
        ("file:///nowhere/x.smi", "/nowhere/x.smi does not exist"),
    ],
)
def test_unreachable_addresses_are_one_clear_line(url, message):
    with pytest.raises(InputError, match=message) as caught:
        open_records(url)
    assert "\n" not in str(caught.value)

"""How far a reader is, in bytes of what is worked on and not of what was read ahead."""

import gzip

import pytest

from molgraph.packed_library.open_library import open_library
from molgraph.packed_library.pack import pack_library


@pytest.mark.parametrize("kind", ["smi", "smi.gz", "packed"])
def test_bytes_follow_the_rows(tmp_path, kind):
    text = "".join(f"{'C' * (1 + row % 9)}O compound-{row}\n" for row in range(600)).encode()
    path = tmp_path / "library.smi"
    path.write_bytes(text)
    if kind == "smi.gz":
        path = tmp_path / "library.smi.gz"
        path.write_bytes(gzip.compress(text))
    if kind == "packed":
        pack_library(path, tmp_path / "packed")
        path = tmp_path / "packed"
    shares, rows = [], 0
    with open_library(path, batch_size=50) as reader:
        for batch in reader:
            rows += len(batch)
            shares.append(reader.bytes_of(rows) / reader.bytes_total)
        assert reader.bytes_of(0) == 0
    assert shares[0] < 0.2
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

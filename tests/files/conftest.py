"""What the tests of all formats share."""

from typing import NamedTuple

import pytest

from molgraph.files import open_records


class Content(NamedTuple):
    """Everything a reader gave."""

    smiles: list[str]
    ids: list[str]
    columns: dict[str, list[str]]
    rejected: list[tuple[int, str, str]]  # row, text, reason


@pytest.fixture(scope="session")
def read():
    """A function that reads a source to its end, and checks that every row is there once."""

    def read_all(source, **options):
        content, rows = Content([], [], {}, []), []
        with open_records(source, **options) as reader:
            for batch in reader:
                content.smiles.extend(batch.smiles)
                content.ids.extend(batch.ids)
                rows += batch.rows.tolist()
                for name, cells in batch.columns.items():
                    content.columns.setdefault(name, []).extend(cells)
                assert batch.rejected_columns.keys() == batch.columns.keys()
                assert all(len(cells) == len(batch.rejected) for cells in batch.rejected_columns.values())
                assert all(r.step == "read" and not r for r in batch.rejected)
                content.rejected.extend((r.row, r.text, r.reason) for r in batch.rejected)
        rejected_rows = [row for row, _, _ in content.rejected]
        assert sorted(rows + rejected_rows) == list(range(len(rows) + len(rejected_rows)))
        assert len(content.smiles) == len(content.ids) == len(rows)
        return content

    return read_all


@pytest.fixture
def write(tmp_path):
    """A function that writes text or bytes to a file of that name."""

    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file

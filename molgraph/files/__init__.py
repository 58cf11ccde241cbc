"""Streaming readers and writers of molecule files."""

from molgraph.files.columns import ID_COLUMNS as ID_COLUMNS
from molgraph.files.columns import STRUCTURE_COLUMNS as STRUCTURE_COLUMNS
from molgraph.files.formats import FormatName as FormatName
from molgraph.files.reader import RecordReader as RecordReader
from molgraph.files.reader import open_records as open_records
from molgraph.files.records import RecordBatch as RecordBatch
from molgraph.files.table_writers import TableWriter as TableWriter
from molgraph.files.writer import open_table_writer as open_table_writer

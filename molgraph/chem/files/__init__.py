"""Streaming readers and writers of molecule files."""

from molgraph.chem.files.columns import ID_COLUMNS as ID_COLUMNS
from molgraph.chem.files.columns import STRUCTURE_COLUMNS as STRUCTURE_COLUMNS
from molgraph.chem.files.formats import FormatName as FormatName
from molgraph.chem.files.reader import RecordReader as RecordReader
from molgraph.chem.files.reader import open_records as open_records
from molgraph.chem.files.records import RecordBatch as RecordBatch
from molgraph.chem.files.tables import TableWriter as TableWriter
from molgraph.chem.files.writer import open_table_writer as open_table_writer

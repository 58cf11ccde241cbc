"""The command line of molgraph: one file a command, each a thin client of the Python API.

The folder is `cli` and is installed as `molgraph_cli`. Imports inside it are relative, so that they are right, and can
be checked, under both names.
"""

"""The command line of molgraph: one file a command, each a thin client of the Python API."""

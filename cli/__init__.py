"""The command line of molgraph: one file per command, installed as `molgraph_cli`."""

"""The version of molgraph."""

__version__ = "0.1.0"

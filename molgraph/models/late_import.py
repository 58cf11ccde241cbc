"""Imports of torch_geometric, which take seconds and complain."""

import warnings
from importlib import import_module
from types import ModuleType


def import_with_pyg(name: str) -> ModuleType:
    """A module that is, or imports, a part of torch_geometric."""
    with warnings.catch_warnings():
        # At import, torch_geometric compiles something with torch.jit.script, which is deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(name)

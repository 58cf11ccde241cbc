"""Versions of the libraries on which numbers depend: of those that a model was trained with, and those of a run."""

import platform
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

#: Modules whose names are not those of their libraries.
_MODULES: Mapping[str, str] = MappingProxyType({"scikit-learn": "sklearn"})


def library_versions(*names: str) -> dict[str, str]:
    """Versions of these libraries as they name themselves, in this order; they are imported.

    Args:
        names: Libraries; `python` and `molgraph` may be among them.

    >>> list(library_versions("python", "molgraph", "numpy"))
    ['python', 'molgraph', 'numpy']
    """
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    if name == "python":
        return platform.python_version()
    version: str = import_module(_MODULES.get(name, name)).__version__
    return version

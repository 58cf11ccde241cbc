"""Molecular property prediction for drug discovery: train on an assay table, screen a library, trust the numbers.

>>> from molgraph import featurize
>>> graphs = featurize(["CCO", "c1ccccc1"])
>>> len(graphs), graphs.n_atoms
(2, 9)
"""

import lazy_loader

from molgraph.version import __version__ as __version__

# The public names stand in `__init__.pyi`. They are imported when first used: the command line's help must load neither
# torch nor RDKit.
_imported, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'molgraph' has no attribute {name!r}; it has {', '.join(__all__)}")
    return _imported(name)

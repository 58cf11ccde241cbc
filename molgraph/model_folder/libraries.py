"""Versions of the libraries that a model was trained with."""

import platform


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries on which numbers depend.

    >>> list(library_versions())
    ['python', 'numpy', 'rdkit', 'torch']
    """
    import numpy as np
    import rdkit
    import torch

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "rdkit": rdkit.__version__,
        "torch": torch.__version__,
    }

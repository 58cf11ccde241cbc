"""`molgraph doctor`: versions, devices and folders of the installation."""

import os
import platform
from typing import Any

from .options import AsJson
from .text import show_json, show_table

EXAMPLE = "Example: molgraph doctor"

_PACKAGES = (
    "molgraph-toolkit",
    "rdkit",
    "cuik_molmaker_pin",
    "torch",
    "torch-geometric",
    "deepchem",
    "catboost",
    "scikit-learn",
    "scipy",
    "numpy",
    "pyarrow",
)

#: Optional packages, and the extra that installs them.
_OPTIONAL = {"optuna": "tune", "ray": "ray", "zstandard": "zstd"}


def doctor(*, as_json: AsJson = False) -> None:
    """Show versions of packages, devices, the featurizer in use, the cache folder and defaults."""
    report = _report()
    if as_json:
        show_json(report)
    else:
        show_table([(name, str(value)) for name, value in report.items()])


def _report() -> dict[str, Any]:
    import torch

    from molgraph.datasets.fetch import default_cache_dir
    from molgraph.features.cuik_engine import is_cuik_available
    from molgraph.models.precision import is_fast_at_bfloat16, resolve_device
    from molgraph.parallel.cpu import usable_cores

    device = resolve_device("auto")
    return {
        "python": platform.python_version(),
        **{name: _version(name) or "not installed" for name in _PACKAGES},
        **{
            name: _version(name) or f"not installed; pip install 'molgraph-toolkit[{extra}]'"
            for name, extra in _OPTIONAL.items()
        },
        "cores": usable_cores(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu (no CUDA device)",
        "bfloat16": "fast" if is_fast_at_bfloat16(device) else "slow: float32 is used",
        "featurizer": "fast (cuik_molmaker)"
        if is_cuik_available()
        else "RDKit (cuik_molmaker is missing or does not fit)",
        "cache folder": str(default_cache_dir()),
        "defaults": _defaults(),
        "MOLGRAPH_DATA": os.environ.get("MOLGRAPH_DATA", "not set"),
    }


def _defaults() -> str:
    """The user's defaults and their file, or the error in it."""
    from molgraph.config.user_defaults import defaults_path, load_defaults
    from molgraph.errors import InputError

    try:
        given = load_defaults().given
    except InputError as error:
        return str(error)
    shown = ", ".join(f"{name} {value}" for name, value in given.items()) or "none; molgraph init sets some"
    return f"{shown} ({defaults_path() or 'no file: MOLGRAPH_CONFIG is empty'})"


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None

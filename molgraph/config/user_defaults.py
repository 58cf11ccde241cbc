"""User-wide defaults of the commands: a small TOML file in the platform's folder of settings, below all options."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from molgraph.config.settings import checked_settings, read_toml, require_choices, require_range
from molgraph.config.training import Device, Precision
from molgraph.storage.atomic import atomic_path, clear_errors
from molgraph.storage.decode_typed import decode

OutputFormat = Literal["csv", "tsv", "sdf", "parquet"]
ConcentrationUnit = Literal["M", "mM", "uM", "nM", "pM"]

#: Names another file; empty for none at all.
VARIABLE = "MOLGRAPH_CONFIG"


@checked_settings
@dataclass(frozen=True)
class UserDefaults:
    """What commands take where an option is not given; None for their own default.

    Attributes:
        device: Where to compute.
        precision: Number format of the products.
        processes: Processes that share the work.
        memory: Gigabytes that these may take together.
        level: Nominal coverage of intervals and prediction sets.
        output_format: Format of a table whose name has no ending.
        unit: Unit of concentrations whose columns name none.
    """

    device: Device | None = None
    precision: Precision | None = None
    processes: int | None = None
    memory: float | None = None
    level: float | None = None
    output_format: OutputFormat | None = None
    unit: ConcentrationUnit | None = None

    def __post_init__(self) -> None:
        require_choices(self)
        if self.processes is not None:
            require_range(self, "processes", self.processes, 1, 10_000)
        if self.memory is not None:
            require_range(self, "memory", self.memory, 0.01, 1e6)
        if self.level is not None:
            require_range(self, "level", self.level, 0.01, 0.999)

    @property
    def given(self) -> dict[str, str | int | float]:
        """Those that are set.

        >>> UserDefaults(device="cpu").given
        {'device': 'cpu'}
        """
        return {name: value for name, value in asdict(self).items() if value is not None}


def defaults_path() -> Path | None:
    """The file of the defaults, whether it is there or not; None where `MOLGRAPH_CONFIG` is empty."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named).expanduser() if named else None
    import platformdirs

    return platformdirs.user_config_path("molgraph", appauthor=False, roaming=True) / "config.toml"


def load_defaults() -> UserDefaults:
    """The defaults in the file, or none where there is no file.

    Raises:
        InputError: The file cannot be read, is not TOML, or holds what is no default.
    """
    path = defaults_path()
    if path is None or not path.is_file():
        return UserDefaults()
    return decode(UserDefaults, read_toml(path), str(path), noun="setting")


def save_defaults(path: Path, defaults: UserDefaults) -> None:
    """Write the file, and the folder that it stands in.

    Raises:
        InputError: It cannot be written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "molgraph" / "config.toml"
    >>> save_defaults(path, UserDefaults(device="cpu", processes=4))
    >>> print(path.read_text().strip())
    device = "cpu"
    processes = 4
    """
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in defaults.given.items()]
        temporary.write_text("".join(lines), encoding="utf-8")

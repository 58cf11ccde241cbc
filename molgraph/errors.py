"""The exceptions of molgraph, in one tree.

    MolgraphError
    ├── InputError      a file, column, value or option that cannot be used
    ├── DeviceError     the device that was asked for is not available
    ├── FetchError      a data set could not be downloaded, or is not the one on its card
    ├── ModelError      a model folder that is missing, damaged, foreign or newer
    ├── TrainingError   training cannot go on (a loss that is not finite, a resume that does not fit)
    └── WorkerError     a worker process died

Each message says what came, what is allowed and what to do, in one line. A bad *molecule* is never
an exception: it is a `molgraph.results.prediction.Rejected`.

Settings stand in backquotes as Python takes them, `overwrite=True` or `fdr`; the command line shows their flags in this
place, `--overwrite` and `--fdr` (`molgraph_cli.flags`).
"""


class MolgraphError(Exception):
    """Base class of every error that molgraph raises on purpose."""


class InputError(MolgraphError):
    """A file, column, value or option cannot be used."""


class DeviceError(MolgraphError):
    """The device that was asked for is not available."""


class FetchError(MolgraphError):
    """A data set could not be downloaded, or is not the one that its card describes."""


class ModelError(MolgraphError):
    """A model folder is missing, damaged, foreign or newer than this molgraph."""


class TrainingError(MolgraphError):
    """Training cannot go on."""


class WorkerError(MolgraphError):
    """A worker process died."""


def setting(name: str, value: object) -> str:
    """A setting with a value that a message asks for, as Python takes it.

    >>> setting("hit", "pIC50 >= 7"), setting("overwrite", True)
    ("`hit='pIC50 >= 7'`", '`overwrite=True`')
    """
    return f"`{name}={value!r}`"

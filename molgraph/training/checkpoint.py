"""State of an unfinished training on disk: safetensors, written beside and renamed."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from molgraph.errors import TrainingError

_METADATA_KEY = "molgraph"


@dataclass(frozen=True)
class Checkpoint:
    """A folder with one file for each pass of members.

    Attributes:
        folder: Where the files are.
        identity: What has to be the same for a checkpoint to fit: data, settings, versions.
    """

    folder: Path
    identity: Mapping[str, str]

    def save(self, name: str, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write one file; it appears complete or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.safetensors"
        beside = path.with_suffix(".tmp")
        metadata = {_METADATA_KEY: json.dumps({"identity": dict(self.identity), "state": dict(state)})}
        save_file({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, beside, metadata)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)

    def load(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and state, or None where nothing was saved under this name.

        Raises:
            TrainingError: The file is damaged, or belongs to other data, settings or versions.
        """
        path = self.folder / f"{name}.safetensors"
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                record = json.loads(file.metadata()[_METADATA_KEY])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a mapping)
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"the checkpoint {path} is damaged ({error}); delete {self.folder} or train without --resume"
            ) from error
        self._refuse_other(record["identity"], path)
        return tensors, record["state"]

    def _refuse_other(self, identity: Mapping[str, str], path: Path) -> None:
        for key, value in self.identity.items():
            if identity.get(key) != value:
                raise TrainingError(
                    f"cannot resume from {path}: {key} was {identity.get(key)} and is {value} now; "
                    "use the same data, settings and versions, or train without --resume"
                )

    def clear(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

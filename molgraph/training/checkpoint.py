"""State of an unfinished training on disk: safetensors, written beside and renamed."""

import contextlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from molgraph.errors import InputError, TrainingError
from molgraph.storage.atomic import atomic_path, check_folder
from molgraph.storage.decode import decode_json

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
        """Write one file; it appears complete or not at all.

        Raises:
            InputError: The folder cannot be written, or the disk is full.
        """
        metadata = {_METADATA_KEY: json.dumps({"identity": dict(self.identity), "state": dict(state)})}
        content = to_bytes({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, metadata)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {self.folder} for the state of training: {error}") from error
        try:
            with atomic_path(self.folder / f"{name}.safetensors") as path:
                path.write_bytes(content)
        except InputError:
            with contextlib.suppress(OSError):  # it holds what was saved before
                self.folder.rmdir()
            raise

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
                record = decode_json(file.metadata()[_METADATA_KEY].encode(), allows_nonfinite=True)
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a mapping)
            identity, state = record["identity"], record["state"]
        except (SafetensorError, OSError, InputError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"the checkpoint {path} is damaged ({error}); delete {self.folder} or train without `resume=True`"
            ) from error
        self._refuse_other(identity, path)
        return tensors, state

    def _refuse_other(self, identity: Mapping[str, str], path: Path) -> None:
        for key, value in self.identity.items():
            if identity.get(key) != value:
                raise TrainingError(
                    f"cannot resume from {path}: {key} was {identity.get(key)} and is {value} now; "
                    "use the same data, settings and versions, or train without `resume=True`"
                )

    def clear(self) -> None:
        """Delete the folder.

        Raises:
            InputError: It holds what is no checkpoint.
        """
        check_folder(self.folder, self.folder, ("*.safetensors",))
        shutil.rmtree(self.folder, ignore_errors=True)


def state_tensors(model: nn.Module, optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
    """Weights and moments, as a checkpoint holds them."""
    tensors = {f"weights.{key}": tensor for key, tensor in model.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": tensor for key, tensor in moments.items()}
    return tensors


def restore_state(tensors: Mapping[str, Tensor], model: nn.Module, optimizer: torch.optim.AdamW) -> None:
    """Give weights and moments back."""
    model.load_state_dict(below(tensors, "weights."))
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in below(tensors, "optimizer.").items():
        index, quantity = key.split(".", 1)
        moments.setdefault(int(index), {})[quantity] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}

"""The encoder folder: `card.json` and `encoder.safetensors`. Nothing in it is ever executed or unpickled.

The built-in encoder is such a folder, in the installed package `molgraph_data`.
"""

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as serialize_tensors

from molgraph.config.learners import LEARNERS
from molgraph.config.training import ModelConfig, TrainConfig
from molgraph.errors import InputError, ModelError
from molgraph.features.schema import SCHEMAS
from molgraph.model_folder.encoder_card import FORMAT_VERSION, EncoderCard, encoder_card_from_dict, encoder_card_to_dict
from molgraph.models.frozen import EncoderWeights, FrozenEncoder, weights_from_tensors
from molgraph.storage.checked_folder import CARD, SealedKind, file_hashes

WEIGHTS = "encoder.safetensors"

_KIND = SealedKind(
    noun="encoder",
    maker="molgraph pretrain",
    remedy="pretrain the encoder again",
    format_version=FORMAT_VERSION,
    max_bytes={CARD: 2**24, WEIGHTS: 2**32},
)


@dataclass(frozen=True)
class PretrainedEncoder:
    """An encoder folder in memory.

    Attributes:
        card: What it is.
        weights: Its parameters.
        digest: sha256 of the card, which contains that of the weights.
    """

    card: EncoderCard
    weights: EncoderWeights
    digest: str

    def frozen(self, device: torch.device, dtype: torch.dtype) -> FrozenEncoder:
        """The encoder with frozen weights, to compute embeddings."""
        return FrozenEncoder(
            self.card.config.model,
            SCHEMAS[self.card.schema].vocabulary,
            self.weights,
            schema=self.card.schema,
            digest=self.digest,
            device=device,
            dtype=dtype,
        )


def builtin_encoder_folder() -> Path | None:
    """Folder of the built-in encoder; None where the installation has none."""
    folder = Path(str(resources.files("molgraph_data"))) / "encoder"
    return folder if (folder / CARD).is_file() else None


def check_encoder_target(path: str | Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a folder that `save_encoder` would refuse after it.

    Raises:
        InputError: `path` is a file, or a folder that is not empty and may not be replaced.
    """
    _KIND.check_target(path, overwrite=overwrite)


def save_encoder(
    path: str | Path,
    card: EncoderCard,
    weights: EncoderWeights,
    *,
    overwrite: bool = False,
) -> None:
    """Write an encoder folder, complete or not at all.

    Raises:
        InputError: The folder exists and may not be replaced, or cannot be written.
    """
    contents = {WEIGHTS: serialize_tensors(weights.to_tensors())}
    _KIND.write(path, encoder_card_to_dict(replace(card, files=file_hashes(contents))), contents, overwrite=overwrite)


def load_encoder_card(path: str | Path) -> EncoderCard:
    """The card of an encoder folder; the weights are not read.

    Raises:
        ModelError: There is no encoder folder, or its card is damaged or of another format.
    """
    folder = Path(path)
    values = _KIND.card_values(folder)
    card: EncoderCard = _KIND.parsed(lambda: encoder_card_from_dict(values, source=str(folder / CARD)))
    schema = SCHEMAS.get(card.schema)
    if schema is None or schema.schema_hash != card.schema_hash:
        raise ModelError(
            f"{folder} reads feature schema {card.schema!r}, written by molgraph {card.molgraph_version!r}; "
            f"this molgraph has {', '.join(SCHEMAS)}: upgrade molgraph, or pretrain the encoder again"
        )
    _KIND.checked_files(folder, card.files)
    return card


def load_encoder(path: str | Path) -> PretrainedEncoder:
    """An encoder folder, checked against the hashes on its card.

    Raises:
        ModelError: There is no encoder folder, or it is damaged, modified, not one of molgraph, or of a newer version.
    """
    folder = Path(path)
    card = load_encoder_card(folder)
    if WEIGHTS not in card.files:
        raise ModelError(f"{folder}: the card names no {WEIGHTS}; pretrain the encoder again")
    content = _KIND.verified(folder, WEIGHTS, card.files[WEIGHTS])
    with _KIND.damage(folder, SafetensorError):
        weights = weights_from_tensors(card.config.model, SCHEMAS[card.schema].vocabulary, load_tensors(content))
    return PretrainedEncoder(card, weights, encoder_digest(folder))


def encoder_digest(path: str | Path) -> str:
    """The digest of an encoder folder, `PretrainedEncoder.digest`; only its card is read.

    Raises:
        ModelError: There is no encoder folder.
    """
    return _KIND.digest(Path(path))


#: Rows of a table up to which a pretrained encoder is frozen by default.
FROZEN_UP_TO = 2000

#: Fields of `ModelConfig` that are the encoder's.
_SHAPE = ("architecture", "hidden", "depth", "readout", "virtual_node")


def encoder_for(config: TrainConfig, n_rows: int) -> tuple[PretrainedEncoder | None, TrainConfig]:
    """The pretrained encoder that training starts from, and the settings completed for it.

    The network gets the shape of the encoder, and the number of epochs its default with or without an encoder. `auto`
    means none where the installation has no built-in encoder, or where the settings ask for a shape that is neither the
    default one nor the encoder's.

    Args:
        config: Settings.
        n_rows: Training rows.

    Raises:
        ModelError: The folder that is named cannot be used.
        InputError: The encoder in it has another shape than the settings ask for, or there is none and the settings
            need one.
    """
    folder = builtin_encoder_folder() if config.encoder.pretrained == "auto" else Path(config.encoder.pretrained)
    if config.encoder.pretrained == "none" or folder is None:
        return None, _without(config)
    own = load_encoder_card(folder).config.model
    shape = {name: getattr(own, name) for name in _SHAPE}
    for name, value in shape.items():
        asked = getattr(config.model, name)
        if asked not in (value, getattr(ModelConfig(), name)):
            if config.encoder.pretrained == "auto":
                return None, _without(config)
            raise InputError(
                f"model.{name} is {asked!r}, and the encoder in {folder} has {value!r}; leave the setting out, or "
                "train without the encoder (`encoder.pretrained='none'`)"
            )
    tuning = config.encoder.tuning
    if tuning == "auto":
        tuning = "frozen" if n_rows <= FROZEN_UP_TO else "full"
    decided = replace(config, model=replace(config.model, **shape), encoder=replace(config.encoder, tuning=tuning))
    return load_encoder(folder), replace(decided, epochs=decided.n_epochs)


def _without(config: TrainConfig) -> TrainConfig:
    """The settings of a training that starts from random weights.

    Raises:
        InputError: They need an encoder.
    """
    learner = config.learner
    if config.encoder.tuning == "frozen" or (learner is not None and LEARNERS[learner].needs_encoder):
        what = f"learner is {learner!r}" if config.encoder.tuning != "frozen" else "encoder.tuning is 'frozen'"
        raise InputError(
            f"{what}, and there is no encoder: encoder.pretrained is {config.encoder.pretrained!r}; name a folder that "
            "molgraph pretrain wrote, and leave the shape of the network out"
        )
    decided = replace(config, encoder=replace(config.encoder, pretrained="none", tuning="full"))
    return replace(decided, epochs=decided.n_epochs)

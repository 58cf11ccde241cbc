"""Settings of the pretrained encoder in a training."""

from dataclasses import dataclass
from typing import Literal

from molgraph.config.settings import checked_settings, require_choices, require_range
from molgraph.config.short_repr import short_repr

EncoderTuning = Literal["auto", "full", "frozen"]


@checked_settings
@dataclass(frozen=True)
class EncoderConfig:
    """The encoder that a training starts from, and whether it is fine-tuned.

    Attributes:
        pretrained: Initial weights of the network's encoder: those of the built-in encoder (`auto`; where there is
            none, or `model` asks for another shape, random ones), random ones (`none`), or those in the encoder folder
            of this name. The shape of a pretrained encoder takes the place of that in `model`.
        tuning: Whether the network fine-tunes a pretrained encoder (`full`), or leaves it as it is (`frozen`); then
            structures are embedded once, and heads are trained in seconds. `auto` freezes it for small tables
            (`molgraph.model_folder.encoder_folder.FROZEN_UP_TO` rows). Other learners read it as it is.
        lr_factor: Learning rate of a pretrained encoder over that of the other layers; what decided it is in
            `benchmarks/README.md`.
        frozen_epochs: First epochs, in which a pretrained encoder stays frozen although it is fine-tuned afterwards.

    >>> EncoderConfig(tuning="frozen")
    EncoderConfig(tuning='frozen')
    """

    pretrained: str = "auto"
    tuning: EncoderTuning = "auto"
    lr_factor: float = 2.0
    frozen_epochs: int = 0

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_choices(self)
        require_range(self, "lr_factor", self.lr_factor, 0.0, 10.0)
        require_range(self, "frozen_epochs", self.frozen_epochs, 0, 100_000)

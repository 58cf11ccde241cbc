"""EncoderCard: metadata of a pretrained encoder (corpus, settings, quality, provenance), stored as `card.json`."""

from dataclasses import dataclass
from typing import Any

from molgraph.config.training import PretrainConfig, StandardizerChoice, config_to_dict
from molgraph.storage.decode_typed import decode

#: Version of the encoder folder. A folder of another version is refused, with the molgraph that wrote it.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class LibraryAccount:
    """Number of records of one library that were used, and left out, by reason.

    `rows = not_sampled + unusable + repeated + kept_out + used`.

    Attributes:
        name: Name of the file or folder.
        sha256: Of its structures, one a line, as they were read.
        rows: Records.
        not_sampled: Records beyond the number that was asked for.
        unusable: Records that gave no molecule, or one that is too large.
        repeated: Duplicates of an earlier record.
        kept_out: Records of a held-out compound.
        used: Records that the encoder is trained on.
    """

    name: str
    sha256: str
    rows: int
    not_sampled: int
    unusable: int
    repeated: int
    kept_out: int
    used: int


@dataclass(frozen=True)
class EncoderCard:
    """Metadata of a pretrained encoder.

    Attributes:
        molgraph_version: The version that wrote the folder.
        schema: Name of the feature schema that it reads.
        schema_hash: sha256 of its definition.
        standardizer: Name of the standardizer of its structures.
        standardizer_version: Its version.
        config: Settings of the pretraining, the shape of the encoder among them.
        corpus: Records of each library, used and left out.
        keep_out_files: Files whose compounds were held out.
        kept_out: Compounds in these, without stereo.
        n_train: Molecules that it was trained on.
        n_held_out: Held-out molecules that it was evaluated on.
        blocks: Identity of each block of targets, which differs where an installation computes other values.
        median_r2: R2 on held-out molecules, median over the targets of each block.
        r2: R2 of each target; None where it does not vary.
        licence: Terms of use of the weights.
        libraries: Versions of what it was trained with.
        files: sha256 of each other file of the folder.
    """

    molgraph_version: str
    schema: str
    schema_hash: str
    standardizer: StandardizerChoice
    standardizer_version: int
    config: PretrainConfig
    corpus: tuple[LibraryAccount, ...]
    keep_out_files: tuple[str, ...]
    kept_out: int
    n_train: int
    n_held_out: int
    blocks: dict[str, str]
    median_r2: dict[str, float | None]
    r2: dict[str, float | None]
    licence: str
    libraries: dict[str, str]
    files: dict[str, str]


def encoder_card_to_dict(card: EncoderCard) -> dict[str, Any]:
    """Plain values for JSON."""
    values = {name: getattr(card, name) for name in card.__dataclass_fields__}
    values["config"] = config_to_dict(card.config)
    values["corpus"] = [dict(vars(account)) for account in card.corpus]
    return {"format_version": FORMAT_VERSION, **values}


def encoder_card_from_dict(values: object, *, source: str) -> EncoderCard:
    """Inverse of `encoder_card_to_dict`; every value is checked for its type.

    Raises:
        InputError: A field is missing, unknown, or of the wrong type.
    """
    return decode(EncoderCard, values, source, beside=("format_version",))

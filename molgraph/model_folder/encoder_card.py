"""EncoderCard: all that is known of a pretrained encoder, as `card.json` in its folder says it."""

from dataclasses import dataclass
from typing import Any

from molgraph.config.training import PretrainConfig, StandardizerChoice, config_to_dict
from molgraph.storage.decode_typed import decode

#: Version of the encoder folder. A folder of another version is refused, with the molgraph that wrote it.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class LibraryAccount:
    """What became of the records of one library.

    `rows = not_sampled + unusable + repeated + kept_out + used`.

    Attributes:
        name: Name of the file or folder.
        sha256: Of its structures, one a line, as they were read.
        rows: Records.
        not_sampled: Records beyond the number that was asked for.
        unusable: Records that gave no molecule, or one that is too large.
        repeated: Records of a compound that came before.
        kept_out: Records of a compound that was not to be seen.
        used: Records that the encoder learns from.
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
    """What an encoder is and where it comes from.

    Attributes:
        molgraph_version: The version that wrote the folder.
        schema: Name of the feature schema that it reads.
        schema_hash: sha256 of its definition.
        standardizer: Name of the standardizer of its structures.
        standardizer_version: Its version.
        config: Settings of the pretraining, the shape of the encoder among them.
        corpus: What became of the records of each library.
        keep_out_files: Files whose compounds it has not seen.
        kept_out: Compounds in these, without stereo.
        n_train: Molecules that it learned from.
        n_held_out: Molecules that judged it.
        blocks: What tells that an installation computes the same targets, by block.
        median_r2: Share of the variance that it tells right on held-out molecules, the median target of each block.
        r2: The same of each target; None where none varies.
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
    """The card that `encoder_card_to_dict` took apart; every value is checked for its type.

    Raises:
        InputError: A field is missing, unknown, or of the wrong type.
    """
    return decode(EncoderCard, values, source, beside=("format_version",))

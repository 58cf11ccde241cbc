"""Sizes of the code vocabularies that a network reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """How many values each categorical code of a feature schema can take.

    Attributes:
        atom: One size for each of the Fa atom codes.
        bond: One size for each of the Fb bond codes.
    """

    atom: tuple[int, ...]
    bond: tuple[int, ...]

"""Vocabularies of the categorical codes: what a network has to know of a feature schema."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Codes:
    """F categorical codes.

    Attributes:
        sizes: Codes of column f are `0..sizes[f]-1`.
        blanks: For each column the value that says "nothing special here" (not in a ring, natural isotope); it gets no
            weights, as the 0 of a yes/no feature gets none in a linear layer. None where every value says something.
    """

    sizes: tuple[int, ...]
    blanks: tuple[int | None, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Codes of the atoms and of the bonds of a feature schema."""

    atom: Codes
    bond: Codes

"""Molecules: what a model can read of some molecules, as graphs and as structures."""

from dataclasses import dataclass

from molgraph.errors import InputError
from molgraph.graphs import PackedGraphs


@dataclass(frozen=True, eq=False)
class Molecules:
    """B molecules, as made by `molgraph.features.featurize.featurize_molecules` or read from a packed library.

    Attributes:
        graphs: B molecules.
        structures: `[B]` the same as standardized SMILES; None where there are graphs alone, which is enough unless a
            learner reads RDKit's descriptors.

    Raises:
        InputError: They are not as many.

    Example:
        >>> from molgraph import featurize
        >>> len(Molecules(featurize(["CCO", "c1ccccc1"]), ("CCO", "c1ccccc1")))
        2
    """

    graphs: PackedGraphs
    structures: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.structures is not None and len(self.structures) != len(self.graphs):
            raise InputError(
                f"{len(self.structures):,} structures stand beside {len(self.graphs):,} graphs; "
                "give the SMILES of all graphs"
            )

    def __len__(self) -> int:
        """Number of molecules, B."""
        return len(self.graphs)

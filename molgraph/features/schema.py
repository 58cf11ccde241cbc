"""What the integer codes of `PackedGraphs` mean. A released schema never changes: a new one gets a new name.

Every atom and every bond carries a few small categorical codes. A network gives each code its own embedding table and
sums them, which equals a linear layer on the concatenated one-hot features at a thirtieth of the memory.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from types import MappingProxyType

from molgraph.graphs import Codes, Vocabulary


@dataclass(frozen=True)
class CodeSpec:
    """One categorical code of an atom or a bond.

    Attributes:
        name: What is coded.
        n_codes: Codes are `0..n_codes-1`.
        description: Which value gets which code.
        blank: The default code, which gets no weights; None where every code is informative.
    """

    name: str
    n_codes: int
    description: str
    blank: int | None = None


@dataclass(frozen=True)
class FeatureSchema:
    """The codes of atoms and bonds, in column order.

    Attributes:
        name: Key in `SCHEMAS`; stored with graphs and models.
        version: Number of the schema, counted from 1.
        atom: The Fa columns of `PackedGraphs.atom_codes`.
        bond: The Fb columns of `PackedGraphs.bond_codes`.
    """

    name: str
    version: int
    atom: tuple[CodeSpec, ...]
    bond: tuple[CodeSpec, ...]

    @property
    def vocabulary(self) -> Vocabulary:
        """Number of codes and default code of each column, for the embedding tables of a network."""
        return Vocabulary(atom=_codes(self.atom), bond=_codes(self.bond))

    @cached_property
    def schema_hash(self) -> str:
        """Hex sha256 of the whole definition: with equal hashes every code means the same."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _codes(specs: tuple[CodeSpec, ...]) -> Codes:
    return Codes(sizes=tuple(spec.n_codes for spec in specs), blanks=tuple(spec.blank for spec in specs))


#: The schema that `featurize` writes.
SCHEMA = FeatureSchema(
    name="molgraph-1",
    version=1,
    atom=(
        CodeSpec("element", 119, "atomic number; 0 is a dummy atom"),
        CodeSpec("degree", 8, "neighbours including hydrogens; 7 is 7 or more"),
        CodeSpec("charge", 10, "formal charge -4..+4 as 0..8; 9 is any other"),
        CodeSpec(
            "chirality", 5, "0 none, 1 clockwise, 2 counter-clockwise, 3 other tetrahedral; 4 is another class", blank=0
        ),
        CodeSpec("hydrogens", 6, "attached hydrogens that are not atoms of the graph; 5 is 5 or more"),
        CodeSpec("hybridization", 9, "0 unspecified, 1 s, 2 sp, 3 sp2, 4 sp3, 5 sp2d, 6 sp3d, 7 sp3d2, 8 other"),
        CodeSpec("aromatic", 2, "1 if aromatic", blank=0),
        CodeSpec("ring", 2, "1 if in a ring", blank=0),
        CodeSpec("radicals", 5, "unpaired electrons; 4 is 4 or more", blank=0),
        CodeSpec(
            "isotope", 9, "mass less the element's average, rounded and cut to -4..+4, as 0..8; 4 is natural", blank=4
        ),
    ),
    bond=(
        CodeSpec("type", 5, "0 single, 1 double, 2 triple, 3 aromatic, 4 other (dative, quadruple, any)"),
        CodeSpec("conjugated", 2, "1 if conjugated", blank=0),
        CodeSpec("ring", 2, "1 if in a ring", blank=0),
        CodeSpec("stereo", 7, "0 none, 1 any, 2 Z, 3 E, 4 cis, 5 trans, 6 other (atropisomers)", blank=0),
    ),
)

#: All schemas that this version of molgraph supports, by name.
SCHEMAS: Mapping[str, FeatureSchema] = MappingProxyType({SCHEMA.name: SCHEMA})

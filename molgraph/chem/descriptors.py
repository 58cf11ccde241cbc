"""Molecular descriptors of RDKit: count fingerprints, reduced graphs, and physicochemical descriptors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Avalon import pyAvalonTools
from rdkit.Chem import Descriptors, Graphs, rdFingerprintGenerator, rdMolDescriptors, rdReducedGraphs
from rdkit.ML.InfoTheory import entropy

#: Descriptors that grow without bound (some are e**100 for large molecules) are clipped here, within float32.
_LARGEST = 1e30


def ecfp_counts(mol: Chem.Mol) -> NDArray[np.float32]:
    """ECFP4 counts: circular environments up to radius 2, `[1024]` (Rogers and Hahn 2010, doi:10.1021/ci100050t)."""
    return np.asarray(_morgan().GetCountFingerprintAsNumPy(mol), dtype=np.float32)


def avalon_counts(mol: Chem.Mol) -> NDArray[np.float32]:
    """Counts of the Avalon toolkit's paths and atoms, `[1024]` (Gedeck et al. 2006, doi:10.1021/ci050413p).

    NaN where the toolkit cannot read the molecule.
    """
    counts = np.zeros(1024, dtype=np.float32)
    try:
        fingerprint = pyAvalonTools.GetAvalonCountFP(mol, nBits=1024)
    except RuntimeError:
        return np.full_like(counts, np.nan)
    for column, count in fingerprint.GetNonzeroElements().items():
        counts[column] = count
    return counts


def reduced_graph(mol: Chem.Mol) -> NDArray[np.float32]:
    """ErG reduced graph: pharmacophore pairs by distance, `[315]` (Stiefl et al. 2006, doi:10.1021/ci050457y)."""
    return np.asarray(rdReducedGraphs.GetErGFingerprint(mol), dtype=np.float32)


def properties(mol: Chem.Mol) -> NDArray[np.float32]:
    """The properties that RDKit computes in C++: weight, ring and atom counts, surface, log P, shape, `[43]`."""
    return _finite(list(_properties().ComputeProperties(mol)))


def descriptors(mol: Chem.Mol) -> NDArray[np.float32]:
    """All of RDKit's two-dimensional descriptors, `[217]`; NaN where one cannot be computed, or not within a second."""
    values = []
    n_atoms = mol.GetNumAtoms()
    for name, function in _descriptor_functions():
        try:
            values.append(function(mol) if n_atoms <= _MOST_ATOMS.get(name, n_atoms) else np.nan)
        except (ValueError, ZeroDivisionError, OverflowError, RuntimeError):
            values.append(np.nan)
    return _finite(values)


@dataclass(frozen=True)
class DescriptorSet:
    """Descriptors that are computed together.

    Attributes:
        compute: Computes them of a molecule, as many every time.
        names: Their names; numbers where they are the bins of a hashed fingerprint.
    """

    compute: Callable[[Chem.Mol], NDArray[np.float32]]
    names: tuple[str, ...]


#: All descriptor sets, by name.
DESCRIPTORS: Mapping[str, DescriptorSet] = MappingProxyType(
    {
        "ecfp_counts": DescriptorSet(ecfp_counts, tuple(map(str, range(1024)))),
        "avalon_counts": DescriptorSet(avalon_counts, tuple(map(str, range(1024)))),
        "reduced_graph": DescriptorSet(reduced_graph, tuple(map(str, range(315)))),
        "properties": DescriptorSet(properties, tuple(rdMolDescriptors.Properties.GetAvailableProperties())),
        "descriptors": DescriptorSet(descriptors, tuple(name for name, _ in Descriptors.descList)),
    }
)

# The time of these grows with the fourth power of the number of atoms: half a second here, 15 seconds for 600.
_MOST_ATOMS: Mapping[str, int] = MappingProxyType({"AvgIpc": 250, "Ipc": 250})


def _finite(values: list[Any]) -> NDArray[np.float32]:
    numbers = np.array(values, dtype=np.float64)
    return np.clip(numbers, -_LARGEST, _LARGEST).astype(np.float32)  # NaN stays NaN


@cache
def _descriptor_functions() -> tuple[tuple[str, Callable[[Chem.Mol], float]], ...]:
    """RDKit's descriptors, with six of them changed so as not to do the same work two and four times."""
    functions: dict[str, Callable[..., float]] = dict(Descriptors.descList)
    for name in ("MaxAbsEStateIndex", "MaxEStateIndex", "MinAbsEStateIndex", "MinEStateIndex"):
        functions[name] = partial(functions[name], force=False)  # take what the first of them cached in the molecule
    functions["AvgIpc"] = lambda mol: _information_content(mol)[0]
    functions["Ipc"] = lambda mol: _information_content(mol)[1]
    return tuple(functions.items())


@lru_cache(maxsize=1)
def _information_content(mol: Chem.Mol) -> tuple[float, float]:
    """Information content of the characteristic polynomial, average and total, as `GraphDescriptors.Ipc` defines it.

    Bonchev and Trinajstic 1977, doi:10.1063/1.434593, equations 7 and 6. The polynomial takes the fourth power of the
    number of atoms, and of a peptide most of the time of all descriptors.
    """
    adjacency = Chem.GetDistanceMatrix(mol) == 1
    coefficients = np.abs(Graphs.CharacteristicPolynomial(mol, adjacency))  # type: ignore[no-untyped-call]
    average = entropy.InfoEntropy(coefficients)  # type: ignore[attr-defined]
    return average, sum(coefficients) * average


@cache
def _morgan() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)


@cache
def _properties() -> Any:
    return rdMolDescriptors.Properties()

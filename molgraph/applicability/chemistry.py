"""Applicability rules: a compound with elements, charges, environments or a size of no training compound is outside."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.features.environments import environment_kinds
from molgraph.features.schema import SCHEMAS
from molgraph.graphs import PackedGraphs

_SYMBOL_TEXT = (
    "* H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu "
    "Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr "
    "Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac "
    "Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
)

#: Symbols of the elements by atomic number; 0 is a placeholder.
_SYMBOLS = tuple(_SYMBOL_TEXT.split())

_ELEMENTS, _CHARGES = 119, 10
_HYDROGEN = 1
_NEUTRAL = 4
_OTHER_CHARGE = 9

#: A compound may have so many times the heavy atoms of the largest training compound, and of the smallest its inverse.
_SIZE_FACTOR = 1.5

_CARBON = 6

#: Share of the training compounds that must have carbon for those without to be outside.
_NEARLY_ALL = 0.95

#: Elements of ordinary organic compounds: H, C, N, O, F, S, Cl, Br and I. Any other one counts as
#: known only in the environments that training compounds have.
_ORGANIC = np.isin(np.arange(_ELEMENTS), [1, _CARBON, 7, 8, 9, 16, 17, 35, 53])


@dataclass(frozen=True)
class TrainingChemistry:
    """Elements, charges and sizes of the training compounds. Isotopes count as their element.

    Attributes:
        pairs: `[119, 10]` whether a training compound has an atom of this atomic number and charge code (-4..+4 as
            0..8, 9 for any other).
        surroundings: Sorted hashes of the uncommon atoms of the training compounds with their neighbours.
        sizes: `[2]` heavy atoms of the smallest and of the largest of them.
        is_organic: Whether nearly all of them have carbon, so that others are outside.
    """

    pairs: NDArray[np.bool_]
    surroundings: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    is_organic: bool

    def is_foreign(self, graphs: PackedGraphs) -> NDArray[np.bool_]:
        """`[B]` whether a molecule has what no training compound has."""
        element, charge, molecule = _atoms(graphs)
        is_new = np.bincount(molecule[~self.pairs[element, charge]], minlength=len(graphs)) > 0
        owner, kind = _uncommon(graphs)
        is_new[owner[~np.isin(kind, self.surroundings)]] = True
        heavy, carbon = _counts(element, molecule, len(graphs))
        is_new |= (heavy < self._least) | (heavy > self._most)
        return np.asarray(is_new | (carbon == 0) & self.is_organic)

    def reasons(self, graphs: PackedGraphs) -> list[str]:
        """What each molecule has that no training compound has, as a sentence, `[B]`; empty where there is nothing."""
        element, charge, molecule = _atoms(graphs)
        found: list[dict[str, None]] = [{} for _ in range(len(graphs))]
        for i in np.flatnonzero(~self.pairs[element, charge]).tolist():
            number = int(element[i])
            name = _SYMBOLS[number] if number else "a placeholder (*)"
            is_known = bool(self.pairs[number].any()) and number
            found[molecule[i]][f"{name} with charge {_charge(int(charge[i]))}" if is_known else name] = None
        owner, kind = _uncommon(graphs)
        for row in np.unique(owner[~np.isin(kind, self.surroundings)]).tolist():
            if not found[row]:
                found[row]["an uncommon element in such an environment"] = None
        heavy, carbon = (counts.tolist() for counts in _counts(element, molecule, len(graphs)))
        least, most = self.sizes.tolist()
        reasons = []
        for own, n_heavy, n_carbon in zip(found, heavy, carbon, strict=True):
            parts = [f"no training compound has {name}" for name in own]
            if self.is_organic and not n_carbon:
                parts.append("no carbon, which nearly all training compounds have")
            if n_heavy < self._least:
                parts.append(f"heavy atoms: {n_heavy}, and the smallest training compound has {least}")
            if n_heavy > self._most:
                parts.append(f"heavy atoms: {n_heavy}, and the largest training compound has {most}")
            reasons.append("; ".join(parts))
        return reasons

    def extended(self, graphs: PackedGraphs) -> "TrainingChemistry":
        """What training compounds and these have."""
        own = training_chemistry(graphs)
        (least, most), (own_least, own_most) = self.sizes.tolist(), own.sizes.tolist()
        return TrainingChemistry(
            self.pairs | own.pairs,
            np.union1d(self.surroundings, own.surroundings),
            np.array([min(least, own_least), max(most, own_most)], dtype=np.int64),
            self.is_organic and own.is_organic,
        )

    @property
    def _least(self) -> float:
        return float(self.sizes[0]) / _SIZE_FACTOR

    @property
    def _most(self) -> float:
        return float(self.sizes[1]) * _SIZE_FACTOR

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays, as they are stored."""
        return {
            "pairs": self.pairs,
            "surroundings": self.surroundings,
            "sizes": self.sizes,
            "is_organic": np.array([self.is_organic]),
        }


def training_chemistry(graphs: PackedGraphs) -> TrainingChemistry:
    """Elements, charges and sizes of some molecules, at least one.

    >>> from molgraph import featurize
    >>> seen = training_chemistry(featurize(["CCO", "CC[NH3+]"], standardizer="none"))
    >>> seen.reasons(featurize(["CCN", "C[Si](C)C", "[13CH3]CO"], standardizer="none"))
    ['no training compound has N with charge 0', 'no training compound has Si', '']
    """
    element, charge, molecule = _atoms(graphs)
    pairs = np.zeros((_ELEMENTS, _CHARGES), dtype=np.bool_)
    pairs[element, charge] = True
    pairs[_HYDROGEN, _NEUTRAL] = True  # which all have, though few as atoms of their graphs
    heavy, carbon = _counts(element, molecule, len(graphs))
    is_organic = bool(np.mean(carbon > 0) >= _NEARLY_ALL)
    sizes = np.array([heavy.min(), heavy.max()], dtype=np.int64)
    return TrainingChemistry(pairs, np.unique(_uncommon(graphs)[1]), sizes, is_organic)


def foreign_to_others(graphs: PackedGraphs, fold: NDArray[np.int64]) -> NDArray[np.bool_]:
    """`[B]` whether a row has what no row of another fold has, or no other row where fold is -1; sizes left aside.

    Args:
        graphs: B molecules.
        fold: `[B]`.
    """
    element, charge, molecule = _atoms(graphs)
    is_asked = ~((element == _HYDROGEN) & (charge == _NEUTRAL))
    owner, kind = _uncommon(graphs)
    pair = element[is_asked].astype(np.uint64) * np.uint64(_CHARGES) + charge[is_asked].astype(np.uint64)
    _, place = np.unique(np.concatenate([pair, kind]), return_inverse=True)
    has = np.zeros((len(graphs), int(place.max(initial=0)) + 1), dtype=np.bool_)
    has[np.concatenate([molecule[is_asked], owner]), place] = True
    counts = has.sum(axis=0)
    alone = np.zeros(len(graphs), dtype=np.bool_)
    for member in np.unique(fold).tolist():
        rows = fold == member
        elsewhere = counts - (1 if member == -1 else has[rows].sum(axis=0))
        alone[rows] = (has[rows] & (elsewhere <= 0)).any(axis=1)
    return alone


def training_chemistry_from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> TrainingChemistry:
    """What `TrainingChemistry.to_arrays` took apart.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has another type or shape.
    """
    pairs, surroundings, sizes, is_organic = (arrays[name] for name in ("pairs", "surroundings", "sizes", "is_organic"))
    if pairs.dtype != np.bool_ or pairs.shape != (_ELEMENTS, _CHARGES):
        raise ValueError(f"pairs of elements and charges are {pairs.dtype} {pairs.shape}")
    if surroundings.dtype != np.uint64 or surroundings.ndim != 1:
        raise ValueError(f"the surroundings of uncommon elements are {surroundings.dtype} {surroundings.shape}")
    if sizes.dtype != np.int64 or sizes.shape != (2,) or (np.asarray(sizes, dtype=np.int64) < 0).any():
        raise ValueError("the sizes of the training compounds are none")
    if is_organic.dtype != np.bool_ or is_organic.shape != (1,):
        raise ValueError(f"is_organic is {is_organic.dtype} {is_organic.shape}, not bool (1,)")
    return TrainingChemistry(
        np.asarray(pairs, dtype=np.bool_),
        np.asarray(surroundings, dtype=np.uint64),
        np.asarray(sizes, dtype=np.int64),
        bool(is_organic[0]),
    )


def _atoms(graphs: PackedGraphs) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Atomic number, charge code and molecule of each atom."""
    names = [code.name for code in SCHEMAS[graphs.schema].atom]
    element, charge = (graphs.atom_codes[:, names.index(name)] for name in ("element", "charge"))
    return element, charge, np.repeat(np.arange(len(graphs)), np.diff(graphs.atom_ptr))


def _uncommon(graphs: PackedGraphs) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Molecule of each atom of an uncommon element, and a hash of the atom with its neighbours."""
    element, _, molecule = _atoms(graphs)
    rows = np.unique(molecule[~_ORGANIC[element]])
    part = graphs.take(rows)
    element, _, molecule = _atoms(part)
    own = np.flatnonzero(~_ORGANIC[element])
    return rows[molecule[own]], environment_kinds(part, 1)[-1][own]


def _counts(
    element: NDArray[np.uint8], molecule: NDArray[np.int64], n_molecules: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Heavy atoms and carbon atoms of each molecule."""
    heavy = np.bincount(molecule[element > _HYDROGEN], minlength=n_molecules)
    return heavy, np.bincount(molecule[element == _CARBON], minlength=n_molecules)


def _charge(code: int) -> str:
    return "beyond 4" if code == _OTHER_CHARGE else f"{code - _NEUTRAL:+d}" if code != _NEUTRAL else "0"

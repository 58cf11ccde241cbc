"""What is judged on what: suites of data sets, splits, and the cells that they make."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal, cast

import numpy as np

from molgraph.chem.standardize import StandardizerName
from molgraph.datasets.cards import all_cards
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.splits import Split, balanced_scaffold_split, butina_split, random_split, scaffold_split
from molgraph.errors import InputError
from molgraph.spelling import SYNONYMS

SplitName = Literal["random", "scaffold", "scaffold_balanced", "butina"]

#: Data sets of each suite, by the names of their cards.
SUITES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "small": ("freesolv", "esol", "bace_classification", "bbbp", "clintox", "lipophilicity", "sider", "tox21"),
        "large": ("hiv", "muv", "toxcast", "qm8"),
    }
)


#: Structures stay as the sets have them, salts and charges too, as in the papers that figures are compared with. (It
#: matters for ClinTox, whose classes were written down in different ways.)
STANDARDIZER: StandardizerName = "none"


@dataclass(frozen=True)
class SplitKind:
    """One way to hold rows out for the test.

    Attributes:
        name: As options and records have it.
        description: What it keeps apart.
        make: `(smiles, seed)` to parts of 80, 10 and 10 per cent.
        is_drawn: Whether the seed changes the rows; else it is the seed of the training alone.
    """

    name: SplitName
    description: str
    make: Callable[[Sequence[str], int], Split]
    is_drawn: bool = True


#: All of them, by name.
BENCHMARK_SPLITS: Mapping[SplitName, SplitKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            SplitKind("random", "rows at random", lambda smiles, seed: random_split(len(smiles), seed=seed)),
            SplitKind(
                "scaffold",
                "common Murcko scaffolds to training, rare ones to the test, as DeepChem does it",
                lambda smiles, _seed: scaffold_split(smiles),
                is_drawn=False,
            ),
            SplitKind(
                "scaffold_balanced",
                "Murcko scaffolds at random",
                lambda smiles, seed: balanced_scaffold_split(smiles, seed=seed),
            ),
            SplitKind("butina", "clusters at random", lambda smiles, seed: butina_split(smiles, seed=seed)),
        )
    }
)


@dataclass(frozen=True, order=True)
class Cell:
    """One learner on one split of one data set.

    Attributes:
        data_set: Name of its card.
        split: How rows are held out.
        seed: Of the split, if it is drawn, and of the training.
        learner: Who learns.
    """

    data_set: str
    split: SplitName
    seed: int
    learner: str

    @property
    def name(self) -> str:
        """Name of its record."""
        return f"{self.data_set}-{self.split}-{self.seed}-{self.learner}"


def make_cells(
    data_sets: Sequence[str],
    splits: Sequence[str],
    seeds: Sequence[int],
    learners: Sequence[str],
    known_learners: Iterable[str],
) -> list[Cell]:
    """Every learner on every seed of every split of every set; the seeds change slowest.

    Raises:
        InputError: A name is not known.

    >>> [cell.name for cell in make_cells(["esol"], ["random"], [0, 1], ["fast"], ["fast"])]
    ['esol-random-0-fast', 'esol-random-1-fast']
    """
    for what, given, known in (
        ("split", splits, BENCHMARK_SPLITS),
        ("learner", learners, [*known_learners]),
        ("data set", data_sets, [*all_cards()]),
    ):
        unknown = [name for name in given if name not in known]
        if unknown or not given:
            named = repr(unknown[0]) if unknown else "of no name"
            meant = _meant(unknown[0], [*known]) if unknown else ""
            raise InputError(f"there is no {what} {named}{meant}; choose of {', '.join(known)}")
    return [
        Cell(data_set, cast("SplitName", split), seed, learner)
        for seed in seeds
        for data_set in data_sets
        for split in splits
        for learner in learners
    ]


#: What other programs call it.
_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **SYNONYMS,
        "chemprop": "network_single",
        "delaney": "esol",
        "logp": "lipophilicity",
        "lipo": "lipophilicity",
        "sampl": "freesolv",
    }
)


def _meant(name: str, known: Sequence[str]) -> str:
    """Words that ask whether a known name was meant; nothing where none is like it."""
    other = _OTHER_NAMES.get(name.lower())
    close = [other] if other in known else get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


@dataclass(frozen=True)
class Problem:
    """What a learner gets.

    Attributes:
        dataset: All rows; the labels of the test rows are not for it to look at.
        split: Rows to learn from, rows to choose with, rows to predict.
        seed: Of the training.
    """

    dataset: Dataset
    split: Split
    seed: int

    @property
    def fingerprint(self) -> str:
        """sha256 of data and parts: equal where two learners got the same."""
        digest = hashlib.sha256(self.dataset.fingerprint.encode())
        for part in (self.split.train, self.split.valid, self.split.test):
            digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes() + b"|")
        return digest.hexdigest()


def pose(dataset: Dataset, split: SplitName, seed: int) -> Problem:
    """A data set with its rows dealt into parts.

    Raises:
        InputError: There is no such split.
    """
    if split not in BENCHMARK_SPLITS:
        raise InputError(f"split is {split!r}; choose one of {', '.join(BENCHMARK_SPLITS)}")
    return Problem(dataset, BENCHMARK_SPLITS[split].make(dataset.smiles, seed), seed)

"""Benchmark protocol: suites of data sets, train/validation/test splits, and the experiments on them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal, cast

import numpy as np

from molgraph.chem.standardize import StandardizerName
from molgraph.config.benchmark import Suite
from molgraph.datasets.cards import all_cards
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.splits import Split, balanced_scaffold_split, butina_split, random_split, scaffold_split
from molgraph.errors import InputError
from molgraph.spelling import SYNONYMS

SplitName = Literal["random", "scaffold", "scaffold_balanced", "butina"]

#: Data sets of each suite, by the names of their cards.
SUITES: Mapping[Suite, tuple[str, ...]] = MappingProxyType(
    {
        "small": ("freesolv", "esol", "bace_classification", "bbbp", "clintox", "lipophilicity", "sider", "tox21"),
        "large": ("hiv", "muv", "toxcast", "qm8"),
    }
)


#: Structures are not standardized: salts and charges stay, as in the papers that results are compared with. (It matters
#: for ClinTox, whose two classes come from sources that write structures differently.)
STANDARDIZER: StandardizerName = "none"


@dataclass(frozen=True)
class SplitKind:
    """One way to split rows into training, validation and test set.

    Attributes:
        name: Name in options and records.
        description: What is held out.
        make: `(smiles, seed)` to parts of 80, 10 and 10 per cent.
        is_drawn: Whether the split depends on the seed; else the seed is that of the training alone.
    """

    name: SplitName
    description: str
    make: Callable[[Sequence[str], int], Split]
    is_drawn: bool = True


#: Splits by name.
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
class Experiment:
    """One learner on one split of one data set.

    Attributes:
        data_set: Name of its card.
        split: Name of the split.
        seed: Of the split, if it is drawn, and of the training.
        learner: Name of the learner.
    """

    data_set: str
    split: SplitName
    seed: int
    learner: str

    @property
    def name(self) -> str:
        """Name of its record."""
        return f"{self.data_set}-{self.split}-{self.seed}-{self.learner}"


def make_experiments(
    data_sets: Sequence[str],
    splits: Sequence[str],
    seeds: Sequence[int],
    learners: Sequence[str],
    available_learners: Iterable[str],
) -> list[Experiment]:
    """Every learner on every seed of every split of every set; the seeds change slowest.

    Raises:
        InputError: There is no data set, split or learner of a name, or none was named.

    >>> [each.name for each in make_experiments(["esol"], ["random"], [0, 1], ["fast"], ["fast"])]
    ['esol-random-0-fast', 'esol-random-1-fast']
    """
    for what, given, available in (
        ("split", splits, BENCHMARK_SPLITS),
        ("learner", learners, [*available_learners]),
        ("data set", data_sets, [*all_cards()]),
    ):
        unknown = [name for name in given if name not in available]
        if not given:
            raise InputError(f"no {what} was named; choose from {', '.join(available)}")
        if unknown:
            suggestion = _suggestion(unknown[0], [*available])
            raise InputError(f"there is no {what} {unknown[0]!r}{suggestion}; choose from {', '.join(available)}")
    return [
        Experiment(data_set, cast("SplitName", split), seed, learner)
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


def _suggestion(name: str, available: Sequence[str]) -> str:
    """The available name that was probably meant, as a question; empty where none is similar."""
    other = _OTHER_NAMES.get(name.lower())
    close = [other] if other in available else get_close_matches(name.lower(), available, n=1)
    return f"; did you mean {close[0]}?" if close else ""


@dataclass(frozen=True)
class Problem:
    """Input of a learner: a data set and its split.

    Attributes:
        dataset: All rows; a learner must not use the labels of the test rows.
        split: Training, validation and test rows.
        seed: Of the training.
    """

    dataset: Dataset
    split: Split
    seed: int

    @property
    def fingerprint(self) -> str:
        """sha256 of data and split: equal where two learners got the same."""
        digest = hashlib.sha256(self.dataset.fingerprint.encode())
        for part in (self.split.train, self.split.valid, self.split.test):
            digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes() + b"|")
        return digest.hexdigest()


def make_problem(dataset: Dataset, split: SplitName, seed: int) -> Problem:
    """A data set with its rows split.

    Raises:
        InputError: There is no such split.
    """
    if split not in BENCHMARK_SPLITS:
        raise InputError(f"split is {split!r}; choose one of {', '.join(BENCHMARK_SPLITS)}")
    return Problem(dataset, BENCHMARK_SPLITS[split].make(dataset.smiles, seed), seed)

"""Text of messages: counted nouns, and suggestions for misspelt names."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

#: Suggestions that are shown.
_SHOWN = 3

#: Letters of a name that may be part of another, and similarity from which a name counts as misspelt.
_LEAST_PART = 3
_LEAST_SIMILARITY = 0.66

#: Names of learners and settings in other tools, and here.
SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        "rf": "random_forest",
        "randomforest": "random_forest",
        "gp": "gp_tanimoto",
        "gaussian_process": "gp_tanimoto",
        "xgboost": "catboost",
        "lightgbm": "catboost",
        "gbm": "catboost",
        "boosting": "catboost",
        "boosted_trees": "catboost",
        "gnn": "network",
        "mpnn": "network",
        "dmpnn": "network",
        "chemprop": "network",
        "learning_rate": "peak_lr",
        "lr": "peak_lr",
        "n_folds": "folds",
        "cv": "folds",
        "n_epochs": "epochs",
        "max_epochs": "epochs",
        "random_state": "seed",
        "n_jobs": "processes",
        "early_stopping": "patience",
        "hidden_size": "hidden",
        "hidden_dim": "hidden",
        "width": "hidden",
        "num_layers": "depth",
        "n_layers": "depth",
    }
)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question, with a blank behind it, that suggests similar names; empty if there are none.

    >>> did_you_mean("fold", ["seed", "folds"]), did_you_mean("rf", ["network", "random_forest"])
    ("did you mean 'folds'? ", "did you mean 'random_forest'? ")
    >>> did_you_mean("colour", ["seed", "folds"])
    ''
    """
    near = near_names(name, names)
    return f"did you mean {' or '.join(map(repr, near))}? " if near else ""


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural where needed.

    >>> counted(1, "task"), counted(1200, "model")
    ('1 task', '1,200 models')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """At most three of `names` that are similar to `name`: synonyms, other case, misspellings, and parts.

    >>> near_names("PIC50", ["pIC50", "hERG"]), near_names("herg_inhibition", ["bbb", "herg"])
    (['pIC50'], ['herg'])
    """
    distinct = [*dict.fromkeys(names)]
    query = _plain(name)
    by_plain: dict[str, list[str]] = {}
    for candidate in distinct:
        by_plain.setdefault(_plain(candidate), []).append(candidate)
    if SYNONYMS.get(query) in distinct:
        return [SYNONYMS[query]]
    near = [*by_plain.get(query, ())]
    for misspelt in get_close_matches(query, by_plain, n=_SHOWN, cutoff=_LEAST_SIMILARITY):
        near += by_plain[misspelt]
    if len(query) >= _LEAST_PART:
        near += [
            candidate
            for plain, candidates in by_plain.items()
            if len(plain) >= _LEAST_PART and _contains(query, plain)
            for candidate in candidates
        ]
    return [*dict.fromkeys(near)][:_SHOWN]


def _contains(one: str, other: str) -> bool:
    return one in other or other in one


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")[:200]

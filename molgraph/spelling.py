"""Words in messages: numbers of things, and what somebody may have meant by a name that does not exist."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

#: Names that are shown.
_SHOWN = 3

#: Letters of a name that may be part of another, and how alike names must be to be taken for a slip.
_LEAST_PART = 3
_LEAST_ALIKE = 0.66

#: What learners and settings are called by other tools, and here.
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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question, with a blank behind it, for the names that are near; empty if none is.

    >>> did_you_mean("fold", ["seed", "folds"]), did_you_mean("rf", ["network", "random_forest"])
    ("did you mean 'folds'? ", "did you mean 'random_forest'? ")
    >>> did_you_mean("colour", ["seed", "folds"])
    ''
    """
    near = near_names(name, known)
    return f"did you mean {' or '.join(map(repr, near))}? " if near else ""


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "task"), counted(1200, "model")
    ('1 task', '1,200 models')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """At most three of the names that `name` may stand for: other tools' words, other case, slips, and parts.

    >>> near_names("PIC50", ["pIC50", "hERG"]), near_names("herg_inhibition", ["bbb", "herg"])
    (['pIC50'], ['herg'])
    """
    names = [*dict.fromkeys(known)]
    asked = _plain(name)
    by_plain: dict[str, list[str]] = {}
    for own in names:
        by_plain.setdefault(_plain(own), []).append(own)
    if SYNONYMS.get(asked) in names:
        return [SYNONYMS[asked]]
    near = [*by_plain.get(asked, ())]
    for slip in get_close_matches(asked, by_plain, n=_SHOWN, cutoff=_LEAST_ALIKE):
        near += by_plain[slip]
    if len(asked) >= _LEAST_PART:
        near += [
            own
            for plain, owns in by_plain.items()
            if len(plain) >= _LEAST_PART and _holds(asked, plain)
            for own in owns
        ]
    return [*dict.fromkeys(near)][:_SHOWN]


def _holds(one: str, other: str) -> bool:
    return one in other or other in one


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")[:200]

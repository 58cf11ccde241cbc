"""What the stages of a training take, so that the time left can be told from the first of them on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from molgraph.chem.descriptors import DESCRIPTORS
from molgraph.config.learners import LEARNERS, LearnerName
from molgraph.config.training import TrainConfig
from molgraph.parallel.cpu import usable_cores
from molgraph.training.plan import MemberPlan
from molgraph.training.progress import ProgressListener, StageName, TrainProgress

#: Seconds on one core, measured on tables of 400 to 1,200 rows; only their ratios count. A network, for each molecule
#: and epoch: with an encoder that learns on or fresh weights, and with a frozen one.
_FULL_STEP, _FROZEN_STEP = 700e-6, 60e-6

#: Trees, for each model and task: seconds at the start, and for each row.
_TREES: Mapping[LearnerName, tuple[float, float]] = {
    "embedding": (0.5, 0.004),
    "boosting": (1.0, 0.0085),
    "maplight": (1.5, 0.013),
    "forest": (0.3, 0.0015),
}

#: Processes, for each model: seconds for 1,000 rows that choose the noise (and length), and for the rest of 1,000 rows;
#: both grow with the third power.
_PROCESSES: Mapping[LearnerName, tuple[float, float]] = {"kernel": (0.3, 0.1), "latent": (1.2, 0.15)}

#: Seconds that RDKit's descriptors of a structure take.
_DESCRIPTORS = 0.015


def expected_seconds(
    names: Collection[LearnerName],
    blocks: Collection[str],
    plans: Sequence[MemberPlan],
    config: TrainConfig,
    *,
    n_tasks: int,
    processes: int = 1,
) -> dict[StageName, float]:
    """Seconds that each stage of a training takes, in their order, up to a factor that all have in common.

    Args:
        names: Learners.
        blocks: Columns that these read.
        plans: Rows of each member.
        config: Settings.
        n_tasks: Tasks.
        processes: Processes that compute descriptors, where these are read.

    >>> expected_seconds(("latent", "kernel"), (), [], TrainConfig(), n_tasks=1)
    {'descriptors': 0.0, 'kernel': 0, 'latent': 0}
    """
    sizes = [len(plan.train_rows) for plan in plans]
    cores = min(usable_cores(), max(len(plans), 1))
    n_rows = max((len(plan.seen_rows) + len(plan.held_out_rows) for plan in plans), default=0)
    n_described = n_rows if DESCRIPTORS.keys() & set(blocks) else 0
    found: dict[StageName, float] = {"descriptors": n_described * _DESCRIPTORS / processes}
    for name in (name for name in LEARNERS if name in names):
        if name == "network":
            step = _FROZEN_STEP if config.encoder != "none" and config.encoder_tuning == "frozen" else _FULL_STEP
            found[name] = step * config.n_epochs * sum(sizes) / cores
        elif name in _TREES:
            start, each = _TREES[name]
            found[name] = n_tasks * sum(start + each * n for n in sizes) / cores
        else:
            choosing, rest = _PROCESSES[name]
            found[name] = sum(choosing * min(n / 1000, 1) ** 3 + rest * (n / 1000) ** 3 for n in sizes)
    return found


def with_shares(seconds: Mapping[StageName, float], listener: ProgressListener) -> ProgressListener:
    """Tells the listener also which share of the whole training is done, which never falls.

    >>> heard = []
    >>> tell = with_shares({"network": 1.0, "kernel": 3.0}, heard.append)
    >>> tell(TrainProgress((0,), 1, 2, 50, 100, None))
    >>> tell(TrainProgress((0,), 1, 1, 50, 100, None, learner="kernel"))
    >>> [progress.share for progress in heard]
    [0.125, 0.625]
    """
    total = sum(seconds.values())
    stages = [*seconds]
    before = {name: sum(seconds[own] for own in stages[:place]) for place, name in enumerate(stages)}
    most = 0.0

    def tell(progress: TrainProgress) -> None:
        nonlocal most
        own = seconds.get(progress.learner, 0.0) * progress.molecules_done / max(progress.molecules_total, 1)
        if total > 0:
            most = max(most, min((before.get(progress.learner, 0.0) + own) / total, 1.0))
        listener(replace(progress, share=most))

    return tell

"""What the stages of a training take, from which the time left is estimated from the first of them on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from molgraph.chem.descriptors import DESCRIPTORS
from molgraph.config.learners import LEARNERS, LearnerName
from molgraph.config.training import TrainConfig
from molgraph.learners.member_rows import MemberRows
from molgraph.parallel.cpu import usable_cores
from molgraph.training.training_progress import ProgressListener, StageName, TrainProgress

#: Seconds on one core that a network takes for each molecule and epoch, as `FitSeconds` of the other learners: with an
#: encoder that learns on or fresh weights, and with a frozen one.
_FULL_STEP, _FROZEN_STEP = 700e-6, 60e-6

#: Seconds that RDKit's descriptors of a structure take.
_DESCRIPTORS = 0.015


def expected_seconds(
    names: Collection[LearnerName],
    blocks: Collection[str],
    plans: Sequence[MemberRows],
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

    >>> expected_seconds(("gp_embedding", "gp_tanimoto"), (), [], TrainConfig(), n_tasks=1)
    {'descriptors': 0.0, 'gp_tanimoto': 0, 'gp_embedding': 0}
    """
    sizes = [len(plan.train_rows) for plan in plans]
    cores = min(usable_cores(), max(len(plans), 1))
    n_rows = max((len(plan.seen_rows) + len(plan.held_out_rows) for plan in plans), default=0)
    n_described = n_rows if DESCRIPTORS.keys() & set(blocks) else 0
    found: dict[StageName, float] = {"descriptors": n_described * _DESCRIPTORS / processes}
    for name in (name for name in LEARNERS if name in names):
        if name == "network":
            step = (
                _FROZEN_STEP
                if config.encoder.pretrained != "none" and config.encoder.tuning == "frozen"
                else _FULL_STEP
            )
            found[name] = step * config.n_epochs * sum(sizes) / cores
        else:
            spec = LEARNERS[name]
            one_task = sum(spec.seconds.of(n) for n in sizes)
            found[name] = n_tasks * one_task / cores if spec.task_by_task else one_task
    return found


def with_shares(seconds: Mapping[StageName, float], listener: ProgressListener) -> ProgressListener:
    """Tells the listener also which share of the whole training is done, which never falls.

    >>> heard = []
    >>> tell = with_shares({"network": 1.0, "gp_tanimoto": 3.0}, heard.append)
    >>> tell(TrainProgress((0,), 1, 2, 50, 100, None))
    >>> tell(TrainProgress((0,), 1, 1, 50, 100, None, learner="gp_tanimoto"))
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

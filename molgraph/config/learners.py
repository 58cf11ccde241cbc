"""The learners: one row each, with what it reads, the presets that hold it, and the module of its code."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from molgraph.errors import InputError

#: Blended learners: `lean` takes only what the network and the encoder make of a graph, `fast` what leaves half of the
#: network's rate when a library is screened, `accurate` whatever helps.
Preset = Literal["lean", "fast", "accurate"]


@dataclass(frozen=True)
class FitSeconds:
    """Seconds of one core that a fit takes, measured on tables of 400 to 1,200 rows; only their ratios count.

    Attributes:
        start: At the start.
        per_row: For each row.
        choosing: For up to 1,000 rows that choose hyperparameters, growing with their third power.
        solving: For 1,000 rows, growing with the third power of all.
    """

    start: float = 0.0
    per_row: float = 0.0
    choosing: float = 0.0
    solving: float = 0.0

    def of(self, n_rows: int) -> float:
        """Seconds for so many rows.

        >>> FitSeconds(start=1.0, per_row=0.01).of(200), FitSeconds(choosing=1.0, solving=0.5).of(2000)
        (3.0, 5.0)
        """
        thousands = n_rows / 1000
        return self.start + self.per_row * n_rows + self.choosing * min(thousands, 1) ** 3 + self.solving * thousands**3


@dataclass(frozen=True)
class LearnerSpec:
    """One learner.

    Attributes:
        name: As settings and model cards have it.
        title: What it is, in a few words.
        description: What it is, for people.
        module: Dotted name of the module whose `LEARNER` fits and reads it (`molgraph.learners.base.TabularLearner`);
            None for the network, which reads graphs.
        presets: Presets that blend it.
        blocks: Columns that it reads (`molgraph.features.blocks.BLOCKS`); none for the network, which reads graphs.
        reads_network: It also reads the embedding that the member's own network makes of a molecule; where the encoder
            is frozen, that of the encoder.
        reads_encoder: When it also reads the embedding of the pretrained encoder as it is: where there is one, where
            there is one that stays frozen, or never.
        needs_encoder: It reads nothing else.
        most_rows: It is left out of a preset where there are more; None for no limit.
        holds_rows: What it learns holds a row of numbers for each training compound, which reveals to whoever knows a
            structure whether it was one of them.
        task_by_task: Each task is a fit of its own, of a second or so; others fit all tasks at once.
        side_by_side: Its fits are small and do not share cores well: members are fitted at the same time, each on some
            of the cores. Those of other learners follow each other, each on all cores. A fit comes out the same on any
            number of them.
        seconds: What a fit takes: of one member, or of one member and task if `task_by_task`.
    """

    name: str
    title: str
    description: str
    module: str | None = None
    presets: tuple[Preset, ...] = ()
    blocks: tuple[str, ...] = ()
    reads_network: bool = False
    reads_encoder: Literal["always", "frozen", "never"] = "never"
    needs_encoder: bool = False
    most_rows: int | None = None
    holds_rows: bool = False
    task_by_task: bool = False
    side_by_side: bool = False
    seconds: FitSeconds = field(default_factory=FitSeconds)


#: All learners, in the order in which a blend holds them.
LEARNERS: "Mapping[LearnerName, LearnerSpec]" = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            LearnerSpec(
                name="network",
                title="graph network",
                description="graph neural network",
                presets=("lean", "fast", "accurate"),
                reads_encoder="frozen",
            ),
            LearnerSpec(
                name="catboost_embedding",
                title="boosted trees (network)",
                description="boosted trees on the network's embedding of a molecule",
                module="molgraph.learners.catboost",
                blocks=("codes",),
                reads_network=True,
                reads_encoder="frozen",
                task_by_task=True,
                side_by_side=True,
                seconds=FitSeconds(start=0.5, per_row=0.004),
            ),
            LearnerSpec(
                name="catboost",
                title="boosted trees",
                description="boosted trees on counts of atom environments and the encoder's embedding",
                module="molgraph.learners.catboost",
                presets=("fast",),
                blocks=("environments", "codes"),
                reads_encoder="always",
                task_by_task=True,
                side_by_side=True,
                seconds=FitSeconds(start=1.0, per_row=0.0085),
            ),
            LearnerSpec(
                name="maplight",
                title="MapLight",
                description="boosted trees on ECFP, Avalon and reduced-graph counts and RDKit's descriptors (Notwell "
                "and Wood 2023, doi:10.48550/arXiv.2310.00174)",
                module="molgraph.learners.catboost",
                presets=("accurate",),
                blocks=("ecfp_counts", "avalon_counts", "reduced_graph", "descriptors"),
                task_by_task=True,
                side_by_side=True,
                seconds=FitSeconds(start=1.5, per_row=0.013),
            ),
            LearnerSpec(
                name="random_forest",
                title="random forest",
                description="random forest on ECFP counts and properties",
                module="molgraph.learners.random_forest",
                presets=("accurate",),
                blocks=("ecfp_counts", "properties"),
                task_by_task=True,
                seconds=FitSeconds(start=0.3, per_row=0.0015),
            ),
            LearnerSpec(
                name="gp_tanimoto",
                title="Gaussian process (fingerprints)",
                description="Gaussian process with a Tanimoto kernel",
                module="molgraph.learners.gp_tanimoto",
                presets=("fast", "accurate"),
                blocks=("environments",),
                most_rows=5000,
                holds_rows=True,
                seconds=FitSeconds(choosing=0.3, solving=0.1),
            ),
            LearnerSpec(
                name="gp_embedding",
                title="Gaussian process (encoder)",
                description="Gaussian process on the encoder's embedding",
                module="molgraph.learners.gp_embedding",
                presets=("lean", "fast", "accurate"),
                reads_encoder="always",
                needs_encoder=True,
                most_rows=12_000,
                holds_rows=True,
                seconds=FitSeconds(choosing=1.2, solving=0.15),
            ),
        )
    }
)

# The names are those of the rows: written here once more, they would be a second place to add a learner.
if TYPE_CHECKING:
    LearnerName = str
else:
    LearnerName = Literal[*LEARNERS]

#: Learners that read columns.
TABULAR: tuple[LearnerName, ...] = tuple(name for name, spec in LEARNERS.items() if spec.module is not None)

#: What is blended, by preset.
PRESETS: Mapping[Preset, tuple[LearnerName, ...]] = MappingProxyType(
    {preset: tuple(name for name, spec in LEARNERS.items() if preset in spec.presets) for preset in get_args(Preset)}
)


def chosen_learners(
    preset: Preset, learner: LearnerName | None, n_rows: int, *, has_encoder: bool, keeps_rows: bool = True
) -> tuple[LearnerName, ...]:
    """The learners of a preset that suit so many rows, or the one that was asked for, with the network that it reads.

    Args:
        preset: Several learners.
        learner: One learner, in the place of the preset.
        n_rows: Rows to learn from.
        has_encoder: Whether there is a pretrained encoder; without one, what needs it is left out of a preset.
        keeps_rows: Whether a model may hold a row for each training compound; if not, what does so is left out of a
            preset.

    Raises:
        InputError: The learner that was asked for holds rows, and must not.

    >>> chosen_learners("accurate", None, 10_000, has_encoder=False)
    ('network', 'maplight', 'random_forest')
    """
    if learner is not None:
        if LEARNERS[learner].holds_rows and not keeps_rows:
            allowed = ", ".join(name for name, spec in LEARNERS.items() if not spec.holds_rows)
            raise InputError(
                f"the learner {learner!r} holds a row of numbers for each training compound, and the model is to keep "
                f"none of them (`keep_structures=False`); choose one of {allowed}, or a preset, "
                "which then leaves it out"
            )
        return ("network", learner) if LEARNERS[learner].reads_network else (learner,)
    return tuple(
        name
        for name in PRESETS[preset]
        if (LEARNERS[name].most_rows or n_rows) >= n_rows
        and (has_encoder or not LEARNERS[name].needs_encoder)
        and (keeps_rows or not LEARNERS[name].holds_rows)
    )


#: Seconds of one core that a fit of one task takes with some hundred rows: 165 fits to 60 tasks of ToxCast took 235.
_SECONDS_A_FIT = 1.4


def seconds_of_many_tasks(
    names: Collection[LearnerName], n_tasks: int, n_members: int, cores: int
) -> tuple[int, float]:
    """How many fits the learners that take one task at a time need, and about how many seconds of all cores.

    The seconds are those of small tables: of thousands of rows, each fit takes longer.

    >>> seconds_of_many_tasks(["network", "gp_embedding"], 485, 5, 2)
    (0, 0.0)
    >>> seconds_of_many_tasks(["network", "catboost"], 485, 5, 2)[0]
    2425
    """
    fits = n_tasks * n_members * sum(LEARNERS[name].task_by_task for name in set(names))
    return fits, fits * _SECONDS_A_FIT / cores

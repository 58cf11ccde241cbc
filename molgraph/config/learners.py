"""The kinds of learners, what each of them reads, and the presets that blend several."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from molgraph.errors import InputError

LearnerName = Literal["network", "embedding", "boosting", "maplight", "forest", "kernel", "latent"]
Preset = Literal["lean", "fast", "accurate"]


@dataclass(frozen=True)
class LearnerSpec:
    """One kind of learner.

    Attributes:
        name: As settings and model cards have it.
        title: What it is, in a few words.
        description: What it is, for people.
        blocks: Columns that it reads (`molgraph.features.blocks.BLOCKS`); none for the network, which reads graphs.
        reads_network: It also reads the vector that the member's own network makes of a molecule; where the encoder is
            frozen, that of the encoder.
        reads_encoder: When it also reads the vector of the pretrained encoder as it is: where there is one, where there
            is one that stays frozen, or never.
        needs_encoder: It reads nothing else.
        most_rows: It is left out of a preset where there are more; None for no limit.
        holds_rows: What it learns holds a row of numbers for each training compound, which tells who knows a structure
            whether it was one of them.
    """

    name: LearnerName
    title: str
    description: str
    blocks: tuple[str, ...] = ()
    reads_network: bool = False
    reads_encoder: Literal["always", "frozen", "never"] = "never"
    needs_encoder: bool = False
    most_rows: int | None = None
    holds_rows: bool = False


#: All learners, in the order in which a blend holds them.
LEARNERS: Mapping[LearnerName, LearnerSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            LearnerSpec("network", "graph network", "graph neural network", reads_encoder="frozen"),
            LearnerSpec(
                "embedding",
                "boosted trees (network)",
                "boosted trees on the network's vector of a molecule",
                ("codes",),
                reads_network=True,
                reads_encoder="frozen",
            ),
            LearnerSpec(
                "boosting",
                "boosted trees",
                "boosted trees on counts of atom environments and the encoder's vector",
                ("environments", "codes"),
                reads_encoder="always",
            ),
            LearnerSpec(
                "maplight",
                "MapLight",
                "boosted trees on ECFP, Avalon and reduced-graph counts and RDKit's descriptors (Notwell and Wood "
                "2023, doi:10.48550/arXiv.2310.00174)",
                ("ecfp_counts", "avalon_counts", "reduced_graph", "descriptors"),
            ),
            LearnerSpec(
                "forest", "random forest", "random forest on ECFP counts and properties", ("ecfp_counts", "properties")
            ),
            LearnerSpec(
                "kernel",
                "Gaussian process (fingerprints)",
                "Gaussian process with a Tanimoto kernel",
                ("environments",),
                most_rows=5000,
                holds_rows=True,
            ),
            LearnerSpec(
                "latent",
                "Gaussian process (encoder)",
                "Gaussian process on the encoder's embedding",
                reads_encoder="always",
                needs_encoder=True,
                most_rows=12_000,
                holds_rows=True,
            ),
        )
    }
)

#: What is blended, by preset. `lean` takes only what the network and the encoder make of a graph, `fast` what leaves
#: half of the network's rate when a library is screened.
PRESETS: Mapping[Preset, tuple[LearnerName, ...]] = MappingProxyType(
    {
        "lean": ("network", "latent"),
        "fast": ("network", "boosting", "kernel", "latent"),
        "accurate": ("network", "maplight", "forest", "kernel", "latent"),
    }
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
    ('network', 'maplight', 'forest')
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


#: Learners that fit each task on its own for a second or so; others fit all at once, or in hundredths of a second.
_TASK_BY_TASK: frozenset[LearnerName] = frozenset({"embedding", "boosting", "maplight", "forest"})

#: Seconds of one core that such a fit takes with some hundred rows: 165 fits to 60 tasks of ToxCast took 235.
_SECONDS_A_FIT = 1.4


def seconds_of_many_tasks(
    names: Collection[LearnerName], n_tasks: int, n_members: int, cores: int
) -> tuple[int, float]:
    """How many fits the learners that take one task at a time need, and about how many seconds of all cores.

    The seconds are those of small tables: of thousands of rows, each fit takes longer.

    >>> seconds_of_many_tasks(["network", "latent"], 485, 5, 2)
    (0, 0.0)
    >>> seconds_of_many_tasks(["network", "boosting"], 485, 5, 2)[0]
    2425
    """
    fits = n_tasks * n_members * len(_TASK_BY_TASK.intersection(names))
    return fits, fits * _SECONDS_A_FIT / cores

"""Plan of a screen, made of models and settings before a row is read."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError
from molgraph.files.frames import Readable
from molgraph.files.library_reader import LibraryReader
from molgraph.model_folder.libraries import library_versions
from molgraph.packed_library.open_library import open_library
from molgraph.prediction.panel import Panel
from molgraph.prediction.predictor import Predictor
from molgraph.prediction.shift_sample import weigh_calibration
from molgraph.rank.goal import Goal, parse_goal
from molgraph.rank.parse_hit import parse_hit
from molgraph.rank.profile import Profile, read_profile
from molgraph.screening.calibration_compounds import hit_probability
from molgraph.screening.candidates import CandidateFile
from molgraph.screening.close_look import best_hits
from molgraph.screening.filters import HardFilters, parse_filters
from molgraph.screening.hit_selection import LibrarySelection, SelectionSettings, check_calibration
from molgraph.screening.state import ScreenState


@dataclass(frozen=True)
class LibrarySource:
    """A library that can be opened, as often as needed.

    Attributes:
        source: Where it is, as `screen` takes it.
        config: Names its columns.
        batch_size: Rows that are read at once.
    """

    source: Readable
    config: ScreenConfig
    batch_size: int

    def open(self) -> LibraryReader:
        """A reader at the first row."""
        return open_library(
            self.source,
            smiles_column=self.config.smiles_column,
            id_column=self.config.id_column,
            keep_columns=tuple(self.config.keep_columns),
            batch_size=self.batch_size,
        )


@dataclass(frozen=True)
class ScreenPlan:
    """What is to be done.

    Attributes:
        panel: The models that score.
        config: What was asked for.
        goal: What ranks; None to rank by how clearly a compound is a hit.
        settings: How hits are selected; None where none are.
        filters: What a compound must not break to be ranked; None for nothing.
    """

    panel: Panel
    config: ScreenConfig
    goal: Goal | Profile | None
    settings: SelectionSettings | None
    filters: HardFilters | None

    @property
    def ranked_by(self) -> str:
        """What ranks, for people."""
        return f"hit: {self.config.hit}" if self.goal is None else str(self.goal)


def plan_screen(panel: Panel, config: ScreenConfig) -> ScreenPlan:
    """What is to be done with these models.

    Raises:
        InputError: It cannot be done with them.
    """
    panel.check_level(config.level)
    settings = None
    if config.hit is not None and config.rate is not None:
        rule = parse_hit(config.hit, panel.first.tasks)
        restrict = config.domain == "separate"
        settings = SelectionSettings(rule, config.rate, config.fdr_method, restrict=restrict)
        check_calibration(settings, panel.first)
    goal: Goal | Profile | None = None
    if config.profile is not None:
        goal = _fitted(read_profile(config.profile, panel.tasks, level=config.level), panel)
    elif config.goal is not None or settings is None:
        goal = parse_goal(config.goal, panel.tasks)
    filters = parse_filters(goal.filters) if isinstance(goal, Profile) and goal.filters else None
    return ScreenPlan(panel, config, goal, settings, filters)


def _fitted(profile: Profile, panel: Panel) -> Profile:
    if profile.rank_by != "probability" or profile.criteria is None:
        return profile
    return replace(profile, probability=hit_probability(profile.criteria, panel.predictors))


def begin_screen(plan: ScreenPlan, candidates: CandidateFile, library: LibrarySource) -> ScreenState:
    """The state of a screen before its first row.

    Args:
        plan: What is to be done.
        candidates: Where what may be selected is kept.
        library: Read once here if the selection weighs the calibration compounds by it.

    Raises:
        InputError: It can be read once only.
    """
    selection = None
    if plan.settings is not None:
        selection = _open_selection(plan.panel.first, candidates, plan.settings, library)
    return ScreenState(
        panel=plan.panel,
        goal=plan.goal,
        level=plan.config.level,
        top=best_hits(plan.panel.first, plan.config.top, plan.config.domain, plan.filters),
        is_parted=plan.config.domain == "separate",
        keep_columns=tuple(plan.config.keep_columns),
        selection=selection,
    )


def shown_settings(plan: ScreenPlan, reader: LibraryReader) -> dict[str, Any]:
    """The settings as `summary.json` has them, with values that were left open filled in."""
    config = plan.config
    return {
        **asdict(config),
        "goal": plan.ranked_by,
        "profile": None if config.profile is None else str(config.profile),
        "fdr": config.rate,
        "fdr_method": None if config.hit is None else config.fdr_method,
        "smiles_column": reader.smiles_column,
        "id_column": reader.id_column,
        "keep_columns": [*config.keep_columns],
        "alerts": [*config.alerts],
        "diverse_by": None if config.diverse is None else config.diverse_by,
        "device": plan.panel.first.device.type,
        "precision": plan.panel.first.precision,
    }


def about_run(plan: ScreenPlan, reader: LibraryReader, chunk_rows: int) -> dict[str, Any]:
    """All that the result depends on, besides what is in the library."""
    return {
        **shown_settings(plan, reader),
        "model": plan.panel.digest,
        "ranking": repr(plan.goal),  # the content of a profile, not the name of its file
        "rows of a chunk": chunk_rows,
        **library_versions("molgraph", "rdkit", "torch"),
    }


def _open_selection(
    predictor: Predictor,
    candidates: CandidateFile,
    settings: SelectionSettings,
    library: LibrarySource,
) -> LibrarySelection:
    ratio = None
    if settings.method == "weighted":
        if str(library.source) == "-":
            raise InputError(
                "fdr_method is 'weighted', which reads the library twice, and standard input can be read once; "
                "give a file, or choose cfbh"
            )
        with library.open() as first_pass:
            ratio = weigh_calibration(predictor, first_pass, restrict=settings.restrict)
    return LibrarySelection(predictor, candidates, settings, ratio)

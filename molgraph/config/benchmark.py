"""The settings that `molgraph benchmark` compares, by the name in records."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from molgraph.config.encoder import EncoderConfig
from molgraph.config.learners import LEARNERS, PRESETS
from molgraph.config.training import TrainConfig

#: Suites of data sets (`molgraph.benchmark.protocol.SUITES`).
Suite = Literal["small", "large"]

#: Defaults of a run: a suite, splits, seeds and learners.
DEFAULT_SUITE: Suite = "small"
DEFAULT_SPLITS = ("random", "scaffold")
DEFAULT_SEEDS = (0, 1, 2)
DEFAULT_LEARNERS = ("fast", "accurate")

#: Presets and learners alone begin with the built-in encoder. `scratch` is without; `tuned` fine-tunes it in the
#: network, `frozen` does not; `single` is one model.
BENCHMARK_SETTINGS: Mapping[str, TrainConfig] = MappingProxyType(
    {
        **{preset: TrainConfig(preset=preset) for preset in PRESETS},
        "fast_scratch": TrainConfig(preset="fast", encoder=EncoderConfig(pretrained="none")),
        "accurate_scratch": TrainConfig(preset="accurate", encoder=EncoderConfig(pretrained="none")),
        **{name: TrainConfig(learner=name) for name in LEARNERS},
        "network_scratch": TrainConfig(learner="network", encoder=EncoderConfig(pretrained="none")),
        "network_tuned": TrainConfig(learner="network", encoder=EncoderConfig(tuning="full")),
        "network_frozen": TrainConfig(learner="network", encoder=EncoderConfig(tuning="frozen")),
        "network_single": TrainConfig(learner="network", encoder=EncoderConfig(pretrained="none"), folds=1),
    }
)

"""What makes one network different from another, beside its weights."""

from dataclasses import dataclass

from molgraph.config.training import Loss, ModelConfig
from molgraph.config.uncertainty_methods import Uncertainty
from molgraph.graphs import Vocabulary
from molgraph.results.tasks import TaskKind


@dataclass(frozen=True)
class NetworkShape:
    """Shape of each member of a network, and the loss that it makes small.

    Attributes:
        config: Widths, depths and kinds of its layers.
        vocabulary: Sizes of the feature codes.
        kinds: Kind of each of the T tasks.
        n_features: F, columns of each molecule that the head reads beside the encoder's embedding.
        reads_graphs: Whether there is an encoder; without one the head reads columns alone.
        standardizes_vectors: Whether the head reads the encoder's embeddings in deviations, times
            `molgraph.models.network.VECTOR_SIZE`. Those of a pretrained encoder are some hundredths: beside columns of
            size 1 the head would be slow to read them.
        uncertainty: What gives the spread; with the kinds and the loss it decides on the heads.
        loss: What is made small where values are learned.
    """

    config: ModelConfig
    vocabulary: Vocabulary
    kinds: tuple[TaskKind, ...]
    n_features: int = 0
    reads_graphs: bool = True
    standardizes_vectors: bool = False
    uncertainty: Uncertainty = "ensemble"
    loss: Loss = "squared"

"""What a member's training labels say: their centre, their spread, and the rarity of the class 1."""

import warnings

import numpy as np
from numpy.typing import NDArray

from molgraph.tasks import TaskKind


def target_scaling(
    labels: NDArray[np.float64], kinds: tuple[TaskKind, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the labels `[B, T]` of the training rows, `[T]` each.

    0 and 1 for classes, whose labels are taken as they are, for tasks without a label, and 1 for a constant one.
    (The computed deviation of a constant is often not 0 but a rounding error; hence the threshold.)
    """
    scaled = np.array([kind == "regression" for kind in kinds])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a task without a label in this fold has no mean
        mean, scale = np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)
    mean = np.where(scaled & np.isfinite(mean), mean, 0.0)
    scale = np.where(scaled & np.isfinite(scale) & (scale > 1e-12 * np.abs(mean)), scale, 1.0)
    return mean, scale


def positive_weights(labels: NDArray[np.float64], kinds: tuple[TaskKind, ...], *, balance: bool) -> NDArray[np.float64]:
    """Weight of the class 1 for each task, `[T]`: negatives over positives if `balance`, else 1."""
    positives = np.sum(labels == 1, axis=0)
    negatives = np.sum(labels == 0, axis=0)
    ratio = negatives / np.maximum(positives, 1)
    is_class = np.array([kind == "classification" for kind in kinds])
    usable = is_class & (positives > 0) & (negatives > 0)
    return np.where(usable & balance, ratio, 1.0)

"""Scaling from a member's training rows: centre and spread of labels and columns, and the weight of class 1."""

import warnings

import numpy as np
from numpy.typing import NDArray

from molgraph.results.tasks import TaskKind


def target_scaling(
    labels: NDArray[np.float64], kinds: tuple[TaskKind, ...], is_robust: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the labels `[B, T]` of the training rows, `[T]` each.

    Median and quartile distance over 1.349, which is as much for normal labels, where `is_robust [T]`.
    0 and 1 for classes, whose labels are taken as they are, for tasks without a label, and 1 for a constant one.
    (The computed deviation of a constant is often not 0 but a rounding error; hence the threshold.)
    """
    scaled = np.array([kind == "regression" for kind in kinds])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a task without a label in this fold has no mean
        mean, scale = np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)
        low, middle, high = np.nanquantile(labels, [0.25, 0.5, 0.75], axis=0)
    is_robust = is_robust & (high > low)
    mean, scale = np.where(is_robust, middle, mean), np.where(is_robust, (high - low) / 1.349, scale)
    mean = np.where(scaled & np.isfinite(mean), mean, 0.0)
    scale = np.where(scaled & np.isfinite(scale) & (scale > 1e-12 * np.abs(mean)), scale, 1.0)
    return mean, scale


def column_scaling(columns: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of columns `[B, F]` of the training rows, `[F]` each; NaN is left out.

    Half a per cent at both ends is cut first, so that a runaway does not press all others together. The deviation of a
    constant is 1, and so is that of columns that are nearly always the same.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without a number has no mean
        low, high = np.nanquantile(columns.astype(np.float64), [0.005, 0.995], axis=0)
        inside = np.clip(columns, low, high)
        mean, scale = np.nanmean(inside, axis=0), np.nanstd(inside, axis=0)
    is_known = np.isfinite(mean) & np.isfinite(scale) & (scale > 1e-6 * np.maximum(np.abs(mean), 1e-3))
    return np.where(np.isfinite(mean), mean, 0.0), np.where(is_known, scale, 1.0)


def positive_weights(labels: NDArray[np.float64], kinds: tuple[TaskKind, ...], *, balance: bool) -> NDArray[np.float64]:
    """Weight of the class 1 for each task, `[T]`: negatives over positives if `balance`, else 1."""
    positives = np.sum(labels == 1, axis=0)
    negatives = np.sum(labels == 0, axis=0)
    ratio = negatives / np.maximum(positives, 1)
    is_class = np.array([kind == "classification" for kind in kinds])
    usable = is_class & (positives > 0) & (negatives > 0)
    return np.where(usable & balance, ratio, 1.0)

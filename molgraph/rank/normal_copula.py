"""Gaussian copula: the probability that several events happen together, from that of each and how they go together."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Points of Gauss and Legendre's rule over the correlation, for two events; the error is below 1e-6 up to 0.95.
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(32)

#: Points of the lattice over which more than two events are integrated.
_POINTS = 512

#: Rows that are integrated at once, to bound the memory.
_BLOCK = 256

_LEAST = 1e-12


def joint_probability(probabilities: Floats, correlation: Floats) -> Floats:
    """That all K events happen, `[B]`; NaN where one is NaN.

    Args:
        probabilities: `[B, K]` of each event.
        correlation: `[K, K]` of the Gaussian variables behind them.

    >>> joint_probability(np.array([[0.5, 0.5], [0.5, 1.0]]), np.array([[1.0, 0.5], [0.5, 1.0]])).round(4)
    array([0.3333, 0.5   ])
    """
    if probabilities.shape[1] == 2:
        return _both(probabilities[:, 0], probabilities[:, 1], float(correlation[0, 1]))
    starts = range(0, len(probabilities), _BLOCK)
    blocks = [_all_of_them(probabilities[start : start + _BLOCK], correlation) for start in starts]
    return np.concatenate(blocks) if blocks else np.zeros(0)


def _both(one: Floats, other: Floats, correlation: float) -> Floats:
    """Plackett's formula: independence, and an integral over the correlation (Drezner and Wesolowsky 1990)."""
    from scipy.special import ndtri

    h, k = (ndtri(np.clip(p, _LEAST, 1.0 - _LEAST)) for p in (one, other))
    total = np.zeros(np.broadcast(h, k).shape)
    end = np.arcsin(correlation)
    for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
        angle = end * (node + 1.0) / 2.0
        total += weight * np.exp(-(h * h + k * k - 2.0 * h * k * np.sin(angle)) / (2.0 * np.cos(angle) ** 2))
    joint = one * other + total * end / 2.0 / (2.0 * np.pi)
    return np.asarray(np.clip(joint, np.maximum(one + other - 1.0, 0.0), np.minimum(one, other)))


def _all_of_them(probabilities: Floats, correlation: Floats) -> Floats:
    """Sequential conditioning (Genz 1992) over a fixed lattice: no chance, so a screen can be repeated."""
    from scipy.special import ndtr, ndtri

    n_rows, n_events = probabilities.shape
    limits = ndtri(np.clip(probabilities, _LEAST, 1.0 - _LEAST))
    factor = np.linalg.cholesky(correlation)
    # Square roots of primes are irrational: the points never fall into line.
    roots = np.sqrt(np.array([p for p in range(2, 8 * n_events + 8) if all(p % d for d in range(2, p))][:n_events]))
    lattice = np.mod(np.arange(1, _POINTS + 1)[:, None] * roots, 1.0)
    drawn = np.zeros((n_rows, _POINTS, n_events))
    product = np.ones((n_rows, _POINTS))
    for event in range(n_events):
        shift = drawn[:, :, :event] @ factor[event, :event]
        share = ndtr((limits[:, event, None] - shift) / factor[event, event])
        product *= share
        if event + 1 < n_events:
            drawn[:, :, event] = ndtri(np.clip(lattice[:, event] * share, _LEAST, 1.0 - _LEAST))
    return np.asarray(product.mean(axis=1))


def probit_correlation(probabilities: Floats, happened: NDArray[np.bool_], *, most: float) -> float:
    """The correlation under which what happened is likeliest.

    Args:
        probabilities: `[n, 2]` of two events in n trials.
        happened: `[n, 2]` whether they did.
        most: The largest that is considered.
    """
    from scipy.optimize import minimize_scalar

    # An event that did not happen is its opposite that did: with the other sign.
    p = np.where(happened, probabilities, 1.0 - probabilities)
    same = happened[:, 0] == happened[:, 1]

    def loss(correlation: float) -> float:
        joint = np.where(same, _both(p[:, 0], p[:, 1], correlation), _both(p[:, 0], p[:, 1], -correlation))
        return float(-np.log(np.maximum(joint, _LEAST)).mean())

    return float(minimize_scalar(loss, bounds=(-most, most), method="bounded").x)


def nearest_correlation(matrix: Floats) -> Floats:
    """A correlation matrix near `matrix`, whose entries were estimated pair by pair."""
    values, vectors = np.linalg.eigh(matrix)
    if values.min() > 1e-6:
        return matrix
    mended = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    scale = np.sqrt(np.diag(mended))
    return np.asarray(mended / np.outer(scale, scale))

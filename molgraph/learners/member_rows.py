"""Training, inner and held-out rows of each ensemble member."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molgraph.errors import InputError

#: Fold of rows that are held out from all members, to calibrate the ensemble.
HELD_OUT = -2


@dataclass(frozen=True)
class MemberRows:
    """Rows of one member; the three parts share no row.

    Attributes:
        member: Number of the member, counted from 0.
        train_rows: Rows whose labels give gradients and target scaling.
        inner_rows: Rows that decide when training stops.
        held_out_rows: Rows of its fold, which it predicts out of fold.
    """

    member: int
    train_rows: NDArray[np.int64]
    inner_rows: NDArray[np.int64]
    held_out_rows: NDArray[np.int64]

    @property
    def seen_rows(self) -> NDArray[np.int64]:
        """Training and inner rows, in order: for learners that stop by nothing."""
        return np.sort(np.concatenate([self.train_rows, self.inner_rows]))


def rows_of_members(
    fold: NDArray[np.int64], *, inner_fraction: float, seed: int, parents: NDArray[np.int64] | None = None
) -> list[MemberRows]:
    """The rows of one member a fold: held out are those of that fold, the rest is parted into training and inner rows.

    Args:
        fold: `[B]` fold of each row; -1 for rows that are never held out, `HELD_OUT` for those of no member.
        inner_fraction: Share of the rows that are not held out.
        seed: Seed of the inner rows.
        parents: `[B]` parent compound of each row: rows of one are never parted into training and inner rows. None if
            each row is a compound of its own.

    Raises:
        InputError: A member would be left without training rows.
    """
    members = []
    for member in range(int(fold.max()) + 1):
        rest = np.flatnonzero((fold != member) & (fold != HELD_OUT))
        order = np.random.default_rng([seed, member]).permutation(rest)
        n_inner = round(inner_fraction * len(rest))
        if inner_fraction > 0:
            n_inner = max(1, n_inner)
        if parents is not None:
            order, n_inner = _whole_parents(order, n_inner, parents[order])
        if len(rest) - n_inner < 1:
            raise InputError(
                f"member {member} would train on no row: {len(fold)} rows in {int(fold.max()) + 1} folds with "
                f"inner_fraction {inner_fraction}; use more rows or fewer folds"
            )
        members.append(
            MemberRows(
                member=member,
                train_rows=np.sort(order[n_inner:]),
                inner_rows=np.sort(order[:n_inner]),
                held_out_rows=np.flatnonzero(fold == member),
            )
        )
    return members


def _whole_parents(order: NDArray[np.int64], n_inner: int, parents: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Rows with those of a parent beside its first one, and the nearest number of inner rows that cuts no parent."""
    _, first, inverse = np.unique(parents, return_index=True, return_inverse=True)
    together = np.argsort(first[inverse], kind="stable")
    cuts = np.flatnonzero(np.diff(first[inverse][together], prepend=-1))  # where a parent begins
    if n_inner == 0 or n_inner >= len(order):
        return order[together], n_inner
    return order[together], int(cuts[np.argmin(np.abs(cuts - n_inner))])

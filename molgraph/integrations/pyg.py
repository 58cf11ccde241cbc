"""Conversion to and from graphs of PyTorch Geometric, for its layers and loaders."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from molgraph.errors import InputError
from molgraph.graphs import PackedGraphs
from molgraph.models.late_import import import_with_pyg

if TYPE_CHECKING:  # importing torch_geometric takes seconds
    from torch_geometric.data import Data


def to_pyg(graphs: PackedGraphs) -> "list[Data]":
    """One `torch_geometric.data.Data` for each molecule; `rejected` is dropped.

    Each holds `x` `[n, Fa]` and `edge_attr` `[2e, Fb]`, the codes as int64, and `edge_index` `[2, 2e]`, where bond k of
    the molecule gives edges 2k and 2k+1; and the molecule's `input_row` and `schema`, so that `from_pyg` is an exact
    inverse.

    Example:
        >>> from molgraph import featurize
        >>> ethanol = to_pyg(featurize(["CCO"]))[0]
        >>> ethanol.x.shape, ethanol.edge_index.tolist()
        (torch.Size([3, 10]), [[0, 1, 1, 2], [1, 0, 2, 1]])
    """
    new_data = _data_class()
    x = torch.from_numpy(graphs.atom_codes.astype(np.int64))  # [N, Fa]
    edge_attr = torch.from_numpy(np.repeat(graphs.bond_codes, 2, axis=0).astype(np.int64))  # [2E, Fb]
    ends = graphs.bond_atoms.astype(np.int64)  # [E, 2]
    edge_index = torch.from_numpy(np.stack([ends, ends[:, ::-1]]).reshape(2, -1))  # [2, 2E]
    atom_ptr, edge_ptr = graphs.atom_ptr.tolist(), (2 * graphs.bond_ptr).tolist()
    return [
        new_data(
            x=x[atom_ptr[b] : atom_ptr[b + 1]],
            edge_index=edge_index[:, edge_ptr[b] : edge_ptr[b + 1]],
            edge_attr=edge_attr[edge_ptr[b] : edge_ptr[b + 1]],
            input_row=row,  # torch_geometric would shift a name with `index` in it when it makes batches
            schema=graphs.schema,
        )
        for b, row in enumerate(graphs.row_index.tolist())
    ]


def from_pyg(data: "Sequence[Data]") -> PackedGraphs:
    """Packed graphs from the output of `to_pyg`, in any order or selection.

    Raises:
        InputError: There is no molecule, the schemas differ, or the data did not come from `to_pyg`: edges are not in
            pairs of opposite directions, or features are not codes.

    Example:
        >>> from molgraph import featurize
        >>> graphs = from_pyg(to_pyg(featurize(["CCO", "CC"]))[::-1])
        >>> len(graphs), graphs.row_index.tolist()
        (2, [1, 0])
    """
    schemas = {item.schema for item in data}
    if len(schemas) != 1:
        raise InputError(f"data has {len(data)} molecules of schemas {sorted(schemas)}; exactly one schema is needed")
    edge_index = torch.cat([item.edge_index for item in data], dim=1)  # [2, 2E]
    edge_attr = torch.cat([item.edge_attr for item in data])  # [2E, Fb]
    if not (
        torch.equal(edge_index[:, 0::2], edge_index[:, 1::2].flip(0)) and torch.equal(edge_attr[0::2], edge_attr[1::2])
    ):
        raise InputError("data has edges that are not pairs of opposite directions; give what to_pyg returned")
    return PackedGraphs(
        atom_codes=_codes(torch.cat([item.x for item in data])),
        bond_codes=_codes(edge_attr[0::2]),
        bond_atoms=edge_index[:, 0::2].T.numpy().astype(np.uint16, order="C"),
        atom_ptr=_pointer([item.x.shape[0] for item in data]),
        bond_ptr=_pointer([item.edge_index.shape[1] // 2 for item in data]),
        schema=schemas.pop(),
        row_index=np.array([item.input_row for item in data], dtype=np.int64),
    )


def _data_class() -> "type[Data]":
    data_class: type[Data] = import_with_pyg("torch_geometric.data").Data
    return data_class


def _codes(features: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    if features.is_floating_point() or (features.numel() and not 0 <= features.min() <= features.max() <= 255):
        raise InputError("data has features that are not codes 0..255; give what to_pyg returned")
    return features.numpy().astype(np.uint8)


def _pointer(lengths: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.cumsum([0, *lengths], dtype=np.int64)

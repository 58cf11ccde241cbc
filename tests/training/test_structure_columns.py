"""Descriptors before a training: the same from one process or several, told, and not computed twice."""

import numpy as np
import pytest

from molgraph.errors import InputError
from molgraph.features.blocks import ENCODER, structure_blocks
from molgraph.training import structure_columns
from molgraph.training.checkpoint import Checkpoint
from molgraph.training.structure_columns import compute_structure_columns
from molgraph.training.training_progress import silent

NAMES = ("ecfp_counts", "properties")


def computed(smiles, *, blocks=NAMES, processes=1, checkpoint=None, on_progress=silent):
    return compute_structure_columns(
        blocks, smiles, processes=processes, checkpoint=checkpoint, on_progress=on_progress
    )


def test_several_processes_give_what_one_gives(assay, monkeypatch):
    smiles = assay[0][:150]
    monkeypatch.setattr(structure_columns, "_LEAST_ROWS", 100)
    told = []
    found = computed(smiles, processes=2, on_progress=told.append)
    for name, block in structure_blocks(NAMES, smiles).items():
        np.testing.assert_array_equal(found[name], block)
    assert [(own.molecules_done, own.molecules_total) for own in told] == [(0, 150), (64, 150), (128, 150), (150, 150)]
    assert {own.learner for own in told} == {"descriptors"}


def test_only_what_needs_structures_is_computed(assay):
    assert computed(assay[0][:3], blocks=("codes", "environments", ENCODER)) == {}
    assert list(computed(assay[0][:3], blocks=("codes", "properties", "properties"))) == ["properties"]


def test_a_training_that_goes_on_computes_nothing_twice(assay, monkeypatch, tmp_path):
    checkpoint = Checkpoint(tmp_path / "state", {"data": "these"})
    first = computed(assay[0][:20], checkpoint=checkpoint)

    def refuse(_names, _smiles):
        raise AssertionError("descriptors were computed again")

    monkeypatch.setattr(structure_columns, "structure_blocks", refuse)
    again = computed(assay[0][:20], checkpoint=checkpoint)
    assert again.keys() == first.keys()
    for name, block in first.items():
        np.testing.assert_array_equal(again[name], block)


def test_a_structure_without_descriptors_is_named():
    with pytest.raises(InputError, match="no descriptors of 'bad'"):
        computed(["CCO", "bad"])

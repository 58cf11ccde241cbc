import dataclasses

import pytest

from molgraph.features.schema import SCHEMA, SCHEMAS, CodeSpec, FeatureSchema


def test_found_by_name():
    assert SCHEMAS["molgraph-1"] is SCHEMA
    with pytest.raises(TypeError):
        SCHEMAS["mine"] = SCHEMA


def test_released_schema_has_not_changed():
    # Stored graphs and models rely on it: a change needs a new schema with a new name.
    assert SCHEMA.schema_hash == "02ceb74714ad529858277915dbb662a4f51c3722b64dac2369a49795bc4078d4"


def test_sizes():
    assert SCHEMA.atom_sizes == (119, 8, 10, 5, 6, 9, 2, 2, 5, 9)
    assert SCHEMA.bond_sizes == (5, 2, 2, 7)
    assert all(1 < size <= 256 for size in SCHEMA.atom_sizes + SCHEMA.bond_sizes), "codes are uint8"


def test_names_are_unique():
    for columns in (SCHEMA.atom, SCHEMA.bond):
        assert len({spec.name for spec in columns}) == len(columns)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"atom": SCHEMA.atom[::-1]},
        {"bond": (*SCHEMA.bond[:-1], CodeSpec("stereo", 7, "0 means something else"))},
    ],
)
def test_hash_covers_everything(change):
    changed: FeatureSchema = dataclasses.replace(SCHEMA, **change)
    assert changed.schema_hash != SCHEMA.schema_hash

import dataclasses

import pytest

from molgraph.features.featurize import featurize
from molgraph.features.schema import SCHEMA, SCHEMAS, CodeSpec, FeatureSchema


def test_found_by_name():
    assert SCHEMAS["molgraph-1"] is SCHEMA
    with pytest.raises(TypeError):
        SCHEMAS["mine"] = SCHEMA


def test_released_schema_has_not_changed():
    # Stored graphs and models rely on it: a change needs a new schema with a new name.
    assert SCHEMA.schema_hash == "3d056b6af2afc124cf083d1da832b4b5a6caf308d4dc5e9b7ddea14c0550416f"


def test_sizes():
    atom, bond = SCHEMA.vocabulary.atom, SCHEMA.vocabulary.bond
    assert atom.sizes == (119, 8, 10, 5, 6, 9, 2, 2, 5, 9)
    assert bond.sizes == (5, 2, 2, 7)
    assert all(1 < size <= 256 for size in atom.sizes + bond.sizes), "codes are uint8"


def test_an_ordinary_atom_and_bond_are_blank_where_they_can_be():
    ethane = featurize(["CC"])
    atom, bond = SCHEMA.vocabulary.atom, SCHEMA.vocabulary.bond
    for codes, blanks in ((ethane.atom_codes[0], atom.blanks), (ethane.bond_codes[0], bond.blanks)):
        for code, blank in zip(codes.tolist(), blanks, strict=True):
            assert blank in (None, code)


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

"""Morgan fingerprints as packed bits, for similarity searches in numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgraph.chem.parse import parse_smiles
from molgraph.errors import InputError
from molgraph.results.prediction import Rejected


def morgan_fingerprints(smiles: Sequence[str], *, radius: int = 2, n_bits: int = 2048) -> NDArray[np.uint8]:
    """Packed bits `[B, n_bits // 8]`; bit i is `1 << (i % 8)` of byte `i // 8`.

    So `np.unpackbits(fingerprints, axis=1, bitorder="little")` gives the bits `[B, n_bits]`.

    Args:
        smiles: B structures. All must parse: an empty fingerprint would pass for that of a compound.
        radius: Bonds that an environment reaches from its atom; 2 gives ECFP4.
        n_bits: Length; a multiple of 8.

    Raises:
        InputError: A structure cannot be parsed, or the radius or the length is not possible.

    Example:
        >>> fingerprints = morgan_fingerprints(["CCO", "OCC", "c1ccccc1"])
        >>> fingerprints.shape
        (3, 256)
        >>> bool((fingerprints[0] == fingerprints[1]).all())
        True
    """
    if radius < 0:
        raise InputError(f"radius is {radius}; it must be 0 or more, e.g. 2")
    if n_bits <= 0 or n_bits % 8:
        raise InputError(f"n_bits is {n_bits}; it must be a positive multiple of 8, e.g. 2048")
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=n_bits)
    packed = bytearray()
    for row, text in enumerate(smiles):
        mol = parse_smiles(text, row=row)
        if isinstance(mol, Rejected):
            raise InputError(
                f"no fingerprint of row {row}, {mol.text!r}: {mol.reason}; leave out structures that cannot be parsed"
            )
        packed += DataStructs.BitVectToBinaryText(generator.GetFingerprint(mol))
    return np.frombuffer(packed, dtype=np.uint8).reshape(len(smiles), n_bits // 8)

"""Parsing: a molecule or a reason, never a word on stderr."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, RDLogger, rdBase

from molgraph.chem.parse import MAX_ATOMS, MAX_TEXT_LENGTH, parse_smiles, quiet_rdkit, rejection_reason
from molgraph.graphs import MAX_ATOMS_PER_MOLECULE
from molgraph.results.prediction import Rejected

REASONS = {
    "CN(C)(C)C": "Explicit valence for atom # 1 N, 4, is greater than permitted",
    "C1CC": "SMILES Parse Error: unclosed ring",
    "CC(": "SMILES Parse Error: syntax error around position 3",
    "C)": "SMILES Parse Error: extra close parentheses around position 2",
    "C11": "SMILES Parse Error: duplicated ring closure 1 bonds atom 0 to itself",
    "c1cccc1": "Can't kekulize mol.  Unkekulized atoms: 0 1 2 3 4",
    "cC": "non-ring atom 0 marked aromatic",
    "[Xx]": "SMILES Parse Error: syntax error around position 2",
    "é": "cannot read the structure, is it a name? SMILES Parse Error: syntax error around position 1",
    "C\0C": "cannot read the structure, is it a name? SMILES Parse Error: syntax error around position 2",
    "": "the structure is empty",
    " \t": "the structure is empty",
}


@pytest.mark.parametrize(("text", "reason"), REASONS.items())
def test_reason_is_rdkits_own_in_one_line(text, reason):
    assert rejection_reason(text) == reason
    assert parse_smiles(text, row=4, id="Z1") == Rejected(4, "Z1", text, "parse", reason)


def test_good_text_gives_a_sanitized_molecule_and_no_reason():
    mol = parse_smiles("C1=CC=CC=C1")
    assert mol.GetAtomWithIdx(0).GetIsAromatic()
    assert rejection_reason("C1=CC=CC=C1") == ""


def test_missing_id_becomes_the_row_number():
    assert parse_smiles("C1", row=12).id == "12"


def test_name_after_a_blank_is_not_part_of_the_structure():
    assert parse_smiles("CCO ethanol (96%)").GetNumAtoms() == 3


def test_long_text_is_rejected_unread_and_quoted_short():
    rejected = parse_smiles("C" * (MAX_TEXT_LENGTH + 1))
    assert rejected.reason == f"the structure has {MAX_TEXT_LENGTH + 1} characters; at most {MAX_TEXT_LENGTH} are read"
    assert len(rejected.text) == 200
    assert parse_smiles("C" * MAX_TEXT_LENGTH).reason.startswith(
        f"the structure has {MAX_TEXT_LENGTH:,} atoms; at most"
    )


def test_longest_chain_can_be_written_in_a_thread():
    """RDKit writes by recursion: a much longer chain would overflow the stack and end the process."""
    written = []
    thread = threading.Thread(target=lambda: written.append(Chem.MolToSmiles(parse_smiles("C" * MAX_ATOMS))))
    thread.start()
    thread.join()
    assert written == ["C" * MAX_ATOMS]


@pytest.mark.parametrize("unit", ["C", "CC(=O)N", "c1ccccc1-", "[Na+].[Cl-]."])
def test_a_polymer_is_rejected_by_its_atoms(unit):
    n_atoms = Chem.MolFromSmiles(unit.rstrip("-.")).GetNumAtoms()
    text = unit * (MAX_ATOMS // n_atoms)
    assert isinstance(parse_smiles(f"{text}C" if unit[-1] in "-." else text), Rejected) == (unit[-1] in "-.")
    reason = parse_smiles(f"{text}{unit}C").reason
    assert reason.endswith(f"at most {MAX_ATOMS} are read, as molgraph is for small molecules")
    assert reason == rejection_reason(f"{text}{unit}C")
    assert MAX_ATOMS <= MAX_ATOMS_PER_MOLECULE


def test_text_that_is_not_utf8():
    reason = parse_smiles("C\udc80").reason
    assert reason.startswith("the structure cannot be read: 'utf-8' codec can't encode")


def test_rdkit_without_a_reason():
    assert parse_smiles("C |").reason == "RDKit gave no reason"


@pytest.mark.parametrize("text", [*REASONS, "CCO", "[H]", "C/C=C/1CC1", "C[C@](C)(C)C", "C" * (MAX_TEXT_LENGTH + 1)])
def test_nothing_reaches_the_terminal(text, capfd):
    parse_smiles(text)
    rejection_reason(text)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("enabled", [True, False])
def test_log_settings_stay_as_the_caller_has_them(enabled, capfd):
    before = rdBase.LogStatus()
    try:
        (RDLogger.EnableLog if enabled else RDLogger.DisableLog)("rdApp.error")
        status = rdBase.LogStatus()
        parse_smiles("C1CC")
        parse_smiles("CCO")
        assert rdBase.LogStatus() == status
        Chem.MolFromSmiles("C1CC")
        assert ("unclosed ring" in capfd.readouterr().err) == enabled
    finally:
        RDLogger.EnableLog("rdApp.error")
    assert rdBase.LogStatus() == before


def test_quiet_context_is_restored_after_an_exception():
    before = rdBase.LogStatus()
    with quiet_rdkit(), quiet_rdkit():
        assert "error:disabled" in rdBase.LogStatus()
    assert rdBase.LogStatus() == before
    with pytest.raises(ZeroDivisionError), quiet_rdkit():
        raise ZeroDivisionError
    assert rdBase.LogStatus() == before


def test_quiet_context_silences_cuik_molmaker(capfd):
    cuik_molmaker = pytest.importorskip("cuik_molmaker")
    none = cuik_molmaker.atom_onehot_feature_names_to_array([])
    floats = cuik_molmaker.atom_float_feature_names_to_array(["atomic-number"])
    bonds = cuik_molmaker.bond_feature_names_to_array(["in-ring"])
    with quiet_rdkit():
        cuik_molmaker.batch_mol_featurizer(["CCO", "C1CC"], none, floats, bonds, False, False, True, False)
    assert capfd.readouterr() == ("", "")


def test_threads_get_their_own_reasons():
    texts = ["CN(C)(C)C", "C1CC", "c1cccc1", "CC("]
    wrong = []

    def work(text):
        wrong.extend(reason for _ in range(2000) if (reason := parse_smiles(text).reason) != REASONS[text])

    before = rdBase.LogStatus()
    threads = [threading.Thread(target=work, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert rdBase.LogStatus() == before


@given(st.text(alphabet="CNOPSFclnos[]()=#@+-.%/\\123H* |$", max_size=30) | st.text(max_size=12))
def test_any_text_gives_a_molecule_or_one_short_line(text):
    result = parse_smiles(text)
    reason = rejection_reason(text)
    assert isinstance(result, Rejected) == bool(reason)
    if reason:
        assert result.reason == reason
        assert reason.isprintable()
        assert len(reason) <= 260
    else:
        assert result.GetNumAtoms() > 0


def test_brackets_cut_short_are_rejected_at_once():
    text = "CC" + "[2H]" * 30 + "[2H[NH3+]][2H]O)O"
    assert "SMILES Parse Error" in rejection_reason(text)

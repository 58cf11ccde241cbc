"""What an encoder may learn from: every record is accounted for, and nothing that is kept out gets in."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molgraph.chem.identity import stereo_free_smiles
from molgraph.errors import InputError
from molgraph.training.pretraining.corpus import MAX_CHARACTERS, collect_corpus


def write(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def account(corpus, place=0):
    own = corpus.libraries[place]
    assert own.rows == own.not_sampled + own.unusable + own.repeated + own.kept_out + own.used
    return own


def test_each_compound_once_whatever_its_spelling_stereo_or_salt(tmp_path):
    first = write(tmp_path / "a.smi", "C[C@H](N)C(=O)O", "OCC", "c1ccccc1")
    second = write(tmp_path / "b.smi", "CCO", "C[C@@H](N)C(=O)O", "C1=CC=CC=C1", "CCN.Cl", "CCN")
    corpus = collect_corpus([first, second])
    assert corpus.smiles == ("C[C@H](N)C(=O)O", "OCC", "c1ccccc1", "CCN")
    assert account(corpus, 0).used == 3
    assert (account(corpus, 1).used, account(corpus, 1).repeated) == (1, 4)


def test_what_is_kept_out_stays_out_as_isomer_as_salt_and_as_it_came(tmp_path):
    library = write(tmp_path / "a.smi", "C[C@@H](N)C(=O)O", "[Na+].CC(=O)[O-]", "CC(=O)O", "CCCl", "OCCO")
    hidden = tmp_path / "test.csv.gz"
    hidden.write_bytes(
        gzip.compress(b"Drug_ID,Drug,Y\n1,C[C@H](N)C(=O)O,1\n2,CC(=O)[O-].[Na+],0\n3,not a molecule,1\n")
    )
    corpus = collect_corpus([library], keep_out=[hidden])
    assert corpus.smiles == ("CCCl", "OCCO")
    assert account(corpus).kept_out == 3
    assert corpus.kept_out == 3  # the salt is known as it came and as it was standardized


def test_what_cannot_be_used_is_counted(tmp_path):
    library = write(tmp_path / "a.smi", "CCO", "C1CC", "C" * (MAX_CHARACTERS + 1))
    assert (account(collect_corpus([library])).unusable, account(collect_corpus([library])).used) == (2, 1)


def test_a_sample_is_random_seeded_and_in_order(tmp_path):
    texts = ["C" * n + "O" for n in range(1, 101)]
    library = write(tmp_path / "a.smi", *texts)
    one, again, other = (collect_corpus([library], per_library=10, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one.smiles != other.smiles
    assert [texts.index(text) for text in one.smiles] == sorted(texts.index(text) for text in one.smiles)
    assert (account(one).not_sampled, account(one).used) == (90, 10)


def test_processes_change_nothing(tmp_path):
    library = write(tmp_path / "a.smi", *("C" * n + "O" for n in range(1, 60)), "bad")
    assert collect_corpus([library], processes=2) == collect_corpus([library])


def test_nothing_left_is_an_error_that_says_so(tmp_path):
    library = write(tmp_path / "a.smi", "CCO")
    with pytest.raises(InputError, match=r"no structure of .*a\.smi is left to learn from"):
        collect_corpus([library], keep_out=[library])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["CCO", "OCC", "CCN", "C[C@H](F)Cl", "C[C@@H](F)Cl", "CC(=O)[O-]", "bad", "c1ccccc1"])))
def test_whatever_comes_is_used_once_or_accounted_for(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("any")
    library = write(folder / "a.smi", *texts, "CCCCCCCCO")
    hidden = write(folder / "hidden.smi", "CCN")
    corpus = collect_corpus([library], keep_out=[hidden])
    keys = [stereo_free_smiles(text) for text in corpus.smiles]
    assert account(corpus).rows == len(texts) + 1
    assert len(set(keys)) == len(keys)
    assert "CCN" not in keys

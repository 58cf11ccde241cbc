"""Interrupts are blocked and then delivered, and RDKit does not swallow them."""

import os
import signal
import threading
import time

import pytest

from molgraph.chem.druglikeness import drug_likeness
from molgraph.chem.parse import quiet_rdkit
from molgraph.chem.standardize import standardize_smiles
from molgraph.features.blocks import structure_blocks
from molgraph.parallel.interrupts import INTERRUPTS, HeldInterrupts


@pytest.fixture(autouse=True)
def python_handles_interrupts():
    """A program that is started in the background of a script ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def mask():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def interrupt_oneself():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)
    pytest.fail("the interrupt was not delivered")


@pytest.mark.parametrize("context", [HeldInterrupts, quiet_rdkit], ids=["held", "quiet"])
def test_a_blocked_interrupt_is_raised_on_leaving(context):
    before, reached = mask(), False
    with pytest.raises(KeyboardInterrupt), context():  # noqa: PT012
        assert set(INTERRUPTS) <= mask()
        signal.raise_signal(signal.SIGINT)  # to this thread: another one, which blocks nothing, would get it now
        reached = True
    assert reached
    assert mask() == before


def test_an_error_within_is_not_lost():
    before = mask()
    with pytest.raises(ValueError, match="wrong"), quiet_rdkit():
        raise ValueError("wrong")
    assert mask() == before


@pytest.mark.parametrize(
    "use",
    [
        lambda: standardize_smiles("CC(=O)[O-].[Na+]", "default"),
        lambda: structure_blocks(["properties", "reduced_graph", "descriptors"], ["CC(=O)Oc1ccccc1C(=O)O"]),
        lambda: drug_likeness(["CC(=O)Oc1ccccc1C(=O)O"]),
    ],
    ids=["standardize", "descriptors", "drug-likeness"],
)
def test_rdkit_restores_the_interrupt_handler(use):
    use()
    with pytest.raises(KeyboardInterrupt):
        interrupt_oneself()


def test_other_threads_block_nothing():
    seen = []

    def work():
        with quiet_rdkit():
            seen.append(set(INTERRUPTS) & mask())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [set()]

"""A lock is released when its process ends."""

import subprocess
import sys
import threading

import pytest

from molgraph import train
from molgraph.errors import InputError
from molgraph.storage.locks import exclusive

HOLD = "import sys\nfrom pathlib import Path\nfrom molgraph.storage.locks import exclusive\nwith exclusive(Path(sys.argv[1]), 'busy'):\n    print('held', flush=True)\n    sys.stdin.read()"  # fmt: skip


def test_a_second_process_is_refused_until_the_first_has_ended(tmp_path):
    lock = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdin=-1, stdout=-1, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="busy"), exclusive(lock, "busy"):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with exclusive(lock, "busy"):
        assert lock.exists()
    assert not lock.exists()


def test_two_trainings_into_one_folder(assay_table, small_config, tmp_path):
    may_go_on, is_under_way = threading.Event(), threading.Event()

    def waits(_report):
        is_under_way.set()
        may_go_on.wait(60)

    def first():
        train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=small_config, on_progress=waits)

    thread = threading.Thread(target=first)
    thread.start()
    assert is_under_way.wait(60)
    with pytest.raises(InputError, match="is being trained by another process; wait for it"):
        train(assay_table, target_columns=["pIC50"], output=tmp_path / "model", config=small_config)
    may_go_on.set()
    thread.join()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]

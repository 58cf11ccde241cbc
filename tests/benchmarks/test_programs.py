import sys
import time

import pytest
from programs import ProgramError, run_program


def python(script):
    return [sys.executable, "-S", "-c", script]


def test_measures_time_and_memory_of_the_tree():
    child = "x = bytearray(60_000_000); import time; time.sleep(1.0)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}], check=True)"
    small = run_program(python("import time; time.sleep(0.3)"))
    large = run_program(python(f"x = bytearray(60_000_000); {script}"))
    assert 0.3 <= small.seconds < 5
    assert large.seconds >= 0.6
    # Parent and child hold 60 MB each at the same time, which no single process does.
    assert 120 < large.peak_mb - small.peak_mb + 15 < 200


def test_a_failure_shows_the_last_lines_of_stderr():
    script = (
        "import sys; print('nothing to see'); [print(f'line {i}', file=sys.stderr) for i in range(99)]; sys.exit(3)"
    )
    with pytest.raises(ProgramError, match="exited with 3") as caught:
        run_program(python(script))
    lines = str(caught.value).splitlines()
    assert lines[-1] == "line 98"
    assert len(lines) < 20
    assert "nothing to see" not in str(caught.value)


def test_stdout_is_shown_where_stderr_is_empty():
    with pytest.raises(ProgramError, match="only here"):
        run_program(python("print('only here'); raise SystemExit(1)"))


def test_a_program_that_is_not_there():
    with pytest.raises(ProgramError, match="could not be started"):
        run_program(["/nowhere/chemprop", "--help"])


def test_runs_in_the_folder_with_the_environment(tmp_path):
    run_program(
        python("import os; open('here', 'w').write(os.environ['FLAVOUR'])"), cwd=tmp_path, env={"FLAVOUR": "sweet"}
    )
    assert (tmp_path / "here").read_text() == "sweet"


def test_an_interruption_ends_the_whole_tree(tmp_path, monkeypatch):
    import os

    import psutil

    child = "import time; time.sleep(60)"
    script = (
        f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-S', '-c', {child!r}]);"
        "open('started', 'w').write(str(child.pid)); child.wait()"
    )

    def interrupted(pid, options):
        while not (tmp_path / "started").exists() or not (tmp_path / "started").read_text():
            time.sleep(0.01)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_program(python(script), cwd=tmp_path)
    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in [int((tmp_path / "started").read_text())] if psutil.pid_exists(pid)], timeout=5
    )
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]

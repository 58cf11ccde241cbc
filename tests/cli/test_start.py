"""An interrupt in the first moments of the program, which are those of imports."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

START = [sys.executable, "-c", "from molgraph_cli.start import run; print('here', flush=True); run()"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no such signals")


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.1, 0.3, 0.6])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_one_line_at_any_moment(tmp_path, delay, number, code):
    (tmp_path / "long.smi").write_text("CCO\n" * 200_000)
    command = [*START, "predict", "herg", "long.smi", "-o", "out.csv", "--processes", "1", "-q"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert program.stdout.readline() == "here\n"
        time.sleep(0.005 + delay)
        os.kill(program.pid, number)
        _, told = program.communicate(timeout=120)
    finally:
        program.kill()
    what = "interrupted" if number == signal.SIGINT else "terminated"
    assert [line for line in told.splitlines() if line] == [f"molgraph: {what}; no incomplete output is left"]
    assert program.returncode == code
    assert [path.name for path in tmp_path.iterdir()] == ["long.smi"]


def test_it_runs_commands():
    done = subprocess.run([*START, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nmolgraph " in done.stdout


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(tmp_path, closed):
    (tmp_path / "in.smi").write_text("CCO\nCCN\n")
    program = " ".join(map(shlex.quote, START))
    line = f"{program} predict herg in.smi -o out.csv --processes 1 {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3


def test_what_goes_into_a_pipe_is_utf8_in_any_locale(tmp_path):
    (tmp_path / "in.csv").write_text("smiles,näme\nCCO,µ-β\n", encoding="utf-8")
    command = [*START, "predict", "herg", "in.csv", "-o", "-", "--processes", "1", "-q"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, env=ascii_only)
    text = done.stdout.decode("utf-8")
    assert "näme" in text
    assert "µ-β" in text

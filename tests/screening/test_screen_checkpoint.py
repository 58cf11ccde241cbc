"""A screen that is stopped at any moment goes on, and ends as if it had never been stopped."""

import gzip
import hashlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rdkit import Chem

from molgraph import Predictor, screen
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError
from molgraph.screening import read_library, screen_checkpoint
from molgraph.screening import screen as module
from molgraph.storage.atomic import atomic_path

CONFIG = ScreenConfig(top=25, domain="ignore", hit="pIC50 >= 6", fdr=0.4, alerts=())


@pytest.fixture(scope="module")
def predictor(model_folder) -> Predictor:
    return Predictor.load(model_folder, device="cpu")


@pytest.fixture
def library(assay, tmp_path):
    """300 rows: compounds, garbage, repeats, and other spellings."""
    lines = [f"{text} cpd{row}" for row, text in enumerate(assay[0][:240])]
    for row in range(60):
        text = lines[row * 3].split()[0]
        other = Chem.MolToSmiles(Chem.MolFromSmiles(assay[0][row]), rootedAtAtom=3)
        lines.insert(row * 5, ["C1CC ring", f"{text} again{row}", "oops =cmd()", f"{other} other{row}"][row % 4])
    path = tmp_path / "library.smi"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    for place in (module, read_library):
        monkeypatch.setattr(place, "CHUNK_BATCHES", 3)


class StopError(Exception):
    """What stops a run in these tests."""


def stop_after(n_batches):
    calls = 0

    def listen(_progress):
        nonlocal calls
        calls += 1
        if calls == n_batches:
            raise StopError

    return listen


def stopped(predictor, library, output, n_batches, *, config=CONFIG, resume=False):
    """Begin a screen, and stop it."""
    with pytest.raises(StopError):
        screen(
            predictor,
            library,
            output=output,
            config=config,
            resume=resume,
            on_progress=stop_after(n_batches),
        )
    return output.with_name(f"{output.name}.partial")


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"}


def chunks(partial) -> list[str]:
    return sorted(path.name for path in (partial / "chunks").iterdir())


def test_goes_on_where_it_was_stopped(predictor, library, tmp_path):
    whole = screen(predictor, library, output=tmp_path / "whole", config=CONFIG)
    assert whole.rows_read == 300
    assert whole.selection.selected > 0
    partial = stopped(predictor, library, tmp_path / "hits", 8)
    assert chunks(partial) == ["000000.json", "000001.json"]
    assert not (tmp_path / "hits").exists()
    stopped(predictor, library, tmp_path / "hits", 9, resume=True)  # two for what is done, then seven batches
    assert len(chunks(partial)) == 4
    result = screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)
    assert contents(tmp_path / "hits") == contents(tmp_path / "whole")
    assert not partial.exists()
    assert (result.rows_read, result.rows_before, result.rejected) == (300, 96, whole.rejected)
    assert json.loads((tmp_path / "hits" / "timing.json").read_text())["rows_done_before"] == 96
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hits", "library.smi", "whole"]


@pytest.mark.parametrize("method", ["cfbh", "weighted", "diverse"])
def test_every_chunk_counts(predictor, library, tmp_path, method):
    config = replace(CONFIG, fdr_method=method)
    screen(predictor, library, output=tmp_path / "whole", config=config)
    for n in range(1, 39, 8):
        stopped(predictor, library, tmp_path / "hits", n, config=config)
        screen(predictor, library, output=tmp_path / "hits", config=config, resume=True)
        assert contents(tmp_path / "hits") == contents(tmp_path / "whole"), n
        screen(predictor, library, output=tmp_path / "hits", config=config, overwrite=True)
        for path in (tmp_path / "hits").iterdir():
            path.unlink()


def test_nothing_to_go_on_with_begins_at_the_start(predictor, library, tmp_path):
    result = screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)
    assert (result.rows_read, result.rows_before) == (300, 0)
    before = contents(tmp_path / "hits")
    with pytest.raises(InputError, match="is complete: this screen has been done"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)
    with pytest.raises(InputError, match="not empty"):
        screen(predictor, library, output=tmp_path / "hits", config=replace(CONFIG, top=5), resume=True)
    assert contents(tmp_path / "hits") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hits", "library.smi"]


def test_stopped_after_the_last_step_but_one(predictor, library, tmp_path, monkeypatch):
    """The output has its name, and the checkpoint is still there."""

    def unlink(path, *, missing_ok=False):
        if path.name == "run.json" and (tmp_path / "hits").exists():
            raise StopError
        original(path, missing_ok=missing_ok)

    original = Path.unlink
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        with pytest.raises(StopError):
            screen(predictor, library, output=tmp_path / "hits", config=CONFIG)
    before = contents(tmp_path / "hits")
    assert (tmp_path / "hits.partial" / "run.json").exists()
    result = screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)
    assert result.rows_before == 300
    assert contents(tmp_path / "hits") == before
    assert not (tmp_path / "hits.partial").exists()


def test_an_unfinished_screen_is_not_lost_by_mistake(predictor, library, tmp_path):
    partial = stopped(predictor, library, tmp_path / "hits", 8)
    with pytest.raises(InputError, match=r"hits\.partial holds an unfinished screen; go on with it with `resume=True`"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG)
    assert len(chunks(partial)) == 2
    with pytest.raises(InputError, match="give one of the two"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True, overwrite=True)
    result = screen(predictor, library, output=tmp_path / "hits", config=CONFIG, overwrite=True)
    assert result.rows_before == 0
    assert not partial.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"top": 24}, "top was 25 and is 24; give what was given before, or begin anew with `overwrite=True`"),
        ({"fdr": 0.3}, "fdr was 0.4 and is 0.3"),
        ({"hit": "pIC50 >= 5", "level": 0.8}, "hit was 'pIC50 >= 6' and is 'pIC50 >= 5'; level was 0.9 and is 0.8"),
        ({"keep_columns": ["name"]}, r"keep_columns was \[\] and is \['name'\]"),
    ],
)
def test_other_options_are_refused(predictor, library, tmp_path, options, words):
    partial = stopped(predictor, library, tmp_path / "hits", 8)
    with pytest.raises(InputError, match=words):
        screen(predictor, library, output=tmp_path / "hits", config=replace(CONFIG, **options), resume=True)
    assert len(chunks(partial)) == 2  # what is done is kept
    assert screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True).rows_before == 48


def test_another_model_is_refused(predictor, other_predictor, library, tmp_path):
    stopped(predictor, library, tmp_path / "hits", 8)
    with pytest.raises(InputError, match=r"model was '[0-9a-f]*' and is '[0-9a-f]*'"):
        screen(other_predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)


@pytest.fixture
def other_predictor(predictor, monkeypatch):
    other = Predictor.__new__(Predictor)
    other.__dict__.update(predictor.__dict__)
    other.digest = "0" * 64
    return other


def test_another_library_is_refused(predictor, library, tmp_path):
    stopped(predictor, library, tmp_path / "hits", 8)
    text = library.read_text()
    lines = text.splitlines(keepends=True)
    library.write_text("".join([*lines, "CCO more\n"]))
    with pytest.raises(InputError, match=r"library\.smi had [\d,]+ bytes and has [\d,]+; give what was given before"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)
    (tmp_path / "other.smi").write_text(text)
    with pytest.raises(InputError, match=r"the library was library\.smi and is other\.smi"):
        screen(predictor, tmp_path / "other.smi", output=tmp_path / "hits", config=CONFIG, resume=True)
    changed = [*lines]
    changed[31] = changed[31].replace("cpd", "dpc")
    assert changed != lines
    library.write_text("".join(changed))
    with pytest.raises(
        InputError, match=r"the library has changed .*: rows 24 to 47 are others; bring it back, or"
    ) as e:
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)
    assert "resume" not in str(e.value)
    library.write_text(text)
    assert screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True).rows_before == 48


def test_a_library_cut_short_and_copied_again(predictor, library, tmp_path):
    packed = tmp_path / "library.smi.gz"
    names = random.Random(0)
    lines = [f"{line}-{names.randbytes(1500).hex()}\n" for line in library.read_text().splitlines()]
    whole = gzip.compress("".join(lines).encode())
    packed.write_bytes(whole)
    screen(predictor, packed, output=tmp_path / "whole", config=CONFIG)
    packed.write_bytes(whole[: 3 * len(whole) // 4])
    with pytest.raises(
        InputError, match=r"cut short.*copy it again; what is done is kept in .*; go on with `resume=True`"
    ):
        screen(predictor, packed, output=tmp_path / "hits", config=CONFIG)
    packed.write_bytes(whole)
    assert screen(predictor, packed, output=tmp_path / "hits", config=CONFIG, resume=True).rows_before > 0
    assert contents(tmp_path / "hits") == contents(tmp_path / "whole")


def test_a_damaged_chunk_is_refused(predictor, library, tmp_path):
    partial = stopped(predictor, library, tmp_path / "hits", 8)
    path = partial / "chunks" / "000001.json"
    stored = path.read_bytes()
    path.write_bytes(stored.replace(b'"scored":', b'"scored": 1', 1))
    with pytest.raises(InputError, match=r"000001\.json is damaged: its checksum does not fit"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)
    path.unlink()  # then it is done again
    assert screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True).rows_before == 24


def test_an_interrupt_says_how_to_go_on(predictor, library, tmp_path):
    def interrupt(progress):
        if progress.rows > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"what is done is kept in .*hits\.partial; go on with `resume=True`"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, on_progress=interrupt)
    assert sorted(path.name for path in (tmp_path / "hits.partial").iterdir()) == ["chunks", "run.json"]


def test_two_screens_do_not_share_a_folder(predictor, library, tmp_path):
    def second(_progress):
        with pytest.raises(InputError, match=r"hits\.partial is in use by another screen"):
            screen(predictor, library, output=tmp_path / "hits", config=CONFIG)
        raise StopError

    with pytest.raises(StopError):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, on_progress=second)


def test_a_folder_that_was_removed_is_named(predictor, library, tmp_path):
    def remove(_progress):
        shutil.rmtree(tmp_path / "hits.partial")

    with pytest.raises(InputError, match=r"hits\.partial was removed while the screen wrote there; start it again"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, on_progress=remove)
    assert not (tmp_path / "hits.partial").exists()
    assert not (tmp_path / "hits").exists()


def test_a_full_disk_keeps_what_is_done(predictor, library, tmp_path, monkeypatch):
    def full(path):
        if Path(path).name == "000002.json":
            raise InputError(f"{path}: cannot be written, because there is no space left")
        return atomic_path(path)

    monkeypatch.setattr(screen_checkpoint, "atomic_path", full)
    with pytest.raises(InputError, match=r"no space left; what is done is kept in .*; go on with `resume=True`"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG)
    monkeypatch.undo()
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    for place in (module, read_library):
        monkeypatch.setattr(place, "CHUNK_BATCHES", 3)
    assert screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True).rows_before == 48


def _all_of(values, key, change):
    for hit in (*values["result"]["hits"], *values["result"]["candidates"]):
        hit[key] = change(hit[key])


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (lambda v: v["result"].update(scored="5"), "scored is '5'"),
        (lambda v: v["result"].update(scored=10**6), "that were scored"),
        (lambda v: v["result"].update(hits={}), "hits is {}"),
        (lambda v: v["result"].update(sample=[[1.5, "C"]]), r"sample\[0\]\[0\] is 1.5"),
        (lambda v: v["result"].update(sample=[[1]]), r"sample\[0\] is \[1\]; it must be a list of 2 values"),
        (lambda v: v["result"].update(above_each=[]), "above 0 thresholds|above each"),
        (
            lambda v: v["result"].update(above_each=[-1] * len(v["result"]["above_each"])),
            "it counts others above a threshold",
        ),
        (
            lambda v: v["result"].update(above_each=[10**9] * len(v["result"]["above_each"])),
            "it counts others above a threshold",
        ),
        (lambda v: v["result"]["rejected"].append({"row": 10**9}), "rejected"),
        (lambda v: _all_of(v, "row", lambda _: 10**9), "a row is not one of this chunk"),
        (lambda v: _all_of(v, "score", lambda _: math.nan), "has no score"),
        (lambda v: _all_of(v, "score", lambda _: None), "score is None"),
        (lambda v: _all_of(v, "smiles", lambda _: 7), "smiles is 7"),
        (lambda v: _all_of(v, "mean", lambda mean: [*mean, 1.0]), "a hit has not 1 predictions"),
        (lambda v: _all_of(v, "mean", lambda _: ["x"]), "mean is"),
        (lambda v: v.update(more=1), "there is no field 'more'"),
    ],
    ids=range(16),
)
def test_a_chunk_that_was_tampered_with_is_refused(predictor, library, tmp_path, tamper, words):
    """As by somebody who made its checksum fit."""
    stopped(predictor, library, tmp_path / "hits", 8)
    path = tmp_path / "hits.partial" / "chunks" / "000000.json"
    values = json.loads(path.read_bytes().partition(b"\n")[2])
    assert values["result"]["hits"]
    tamper(values)
    body = json.dumps(values).encode()
    path.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    with pytest.raises(InputError, match=words):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)


@pytest.mark.parametrize("text", ["[" * 100_000, "null", "{}", '{"format_version": 1, "run": [], "files": []}',
                                  '{"format_version": 1, "run": {}, "files": [["a", "b"]]}', "1" * 5000])  # fmt: skip
def test_a_run_of_any_value_is_refused(predictor, library, tmp_path, text):
    stopped(predictor, library, tmp_path / "hits", 8)
    (tmp_path / "hits.partial" / "run.json").write_text(text)
    with pytest.raises(InputError, match="begin anew with `overwrite=True`"):
        screen(predictor, library, output=tmp_path / "hits", config=CONFIG, resume=True)


PROGRAM = """
import sys
from molgraph import ComputeConfig, ScreenConfig
from molgraph.screening import read_library, screen as module
module.BATCH_SIZE, module.CHUNK_BATCHES, read_library.CHUNK_BATCHES = 8, 3, 3
if __name__ == "__main__":
    model, library, output, processes = sys.argv[1:]
    print("begin", flush=True)
    config = ScreenConfig(top=25, domain="ignore", hit="pIC50 >= 6", fdr=0.4, alerts=())
    compute = ComputeConfig(device="cpu", precision="float32", processes=int(processes))
    module.screen(model, library, output=output, config=config, compute=compute, resume=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_at_any_moment(predictor, model_folder, library, tmp_path, processes):
    screen(predictor, library, output=tmp_path / "whole", config=CONFIG)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    rng = random.Random(processes)
    kills = n = 0
    while kills < 3 and n < 12:
        n += 1
        command = [sys.executable, program, model_folder, library, tmp_path / "hits", str(processes)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as run:
            assert run.stdout.readline() == "begin\n"
            deadline = time.monotonic() + 60
            wanted = rng.randrange(12)
            while run.poll() is None and time.monotonic() < deadline and n_chunks(tmp_path) < wanted:
                time.sleep(0.002)
            time.sleep(rng.random() * 0.05)
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                kills += 1
        if (tmp_path / "hits").exists():
            break
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert kills > 0
    assert contents(tmp_path / "hits") == contents(tmp_path / "whole")
    assert not (tmp_path / "hits.partial").exists()


def n_chunks(folder) -> int:
    chunks = folder / "hits.partial" / "chunks"
    return (
        sum(path.suffix == ".json" and not path.name.startswith(".") for path in chunks.iterdir())
        if chunks.exists()
        else 0
    )

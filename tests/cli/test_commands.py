"""Commands that work: what they print, what they write, and the exit codes."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from molgraph.results.prediction import Rejected
from molgraph.training import loop
from molgraph.training.training_progress import TrainProgress
from molgraph_cli import progress

SMALL = ("--folds", 2, "--epochs", 2, "--hidden", 8, "--device", "cpu")
PROGRAM = [sys.executable, "-c", "from molgraph_cli.app import run; run()"]


@pytest.fixture
def folder(tmp_path, monkeypatch, assay_table, model_folder):
    """A table with bad rows and contradictions, a library, and a model, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").symlink_to(model_folder)
    lines = assay_table.read_text().splitlines()[:31]
    first = lines[1].split(",")[1]
    bad = [f"bad-{i}\x1b[31m,C1CC{i}(,5," for i in range(7)]
    (tmp_path / "assay.csv").write_text("\n".join([*lines, f"again,{first},9.5,", *bad, "none,CCO,,"]) + "\n")
    structures = [line.split(",")[1] for line in lines[1:]]
    (tmp_path / "library.smi").write_text(
        "".join(f"{s} lib-{i}\n" for i, s in enumerate([*structures, "C1CC(", "CCO"]))
    )
    return tmp_path


def rows(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_train_tells_what_was_left_out(molgraph, folder):
    ended = molgraph("train", "assay.csv", "-o", "new", "--target-columns", "pIC50", *SMALL)
    assert ended.code == 0
    told = ended.err.splitlines()
    assert told[0] == "assay.csv: 39 rows read, 30 structures used"
    rejected = [line for line in told if line.startswith("  rejected: ")]
    assert rejected[0].startswith("  rejected: line 33 (bad-0?[31m) 'C1CC0(': SMILES Parse Error")
    assert (len(rejected), "  and 2 more; --json lists all" in told) == (5, True)
    conflict = next(line for line in told if line.startswith("  conflict: "))
    assert "9.5 (again)" in conflict
    assert conflict.endswith(" is used")
    assert "\x1b" not in ended.err + ended.out
    shown = ended.out.splitlines()
    assert shown[0].startswith("Cross-validation (2-fold):")
    assert shown[1].split()[:3] == ["task", "metric", "value"]
    assert shown[-1] == "Model written to new"
    assert sorted(path.name for path in folder.iterdir()) == ["assay.csv", "library.smi", "model", "new"]


def test_train_as_json_and_quietly(molgraph, folder):
    ended = molgraph("train", "assay.csv", "-o", "new", "--target-columns", "pIC50,active", "--json", "-q", *SMALL)
    assert (ended.code, ended.err) == (0, "")
    result = json.loads(ended.out)
    assert result["model"] == "new"
    assert len(result["rejected"]) == 7
    assert result["data"]["rows_read"] == 39
    assert result["merged"][0]["conflict"] is True
    assert result["merged"][0]["ids"][1] == "again"
    assert result["merged"][0]["values"][1] == [9.5, None]
    again = molgraph("train", "assay.csv", "-o", "new", "--target-columns", "pIC50", "-q", "--overwrite", *SMALL)
    assert (again.code, again.out, again.err) == (0, "", "")


def test_train_warns_of_a_model_that_learned_nothing(molgraph, folder):
    lines = [f"{'C' * n}O,{n % 2}" for n in range(1, 31)]  # the most similar ones are of the other class
    (folder / "parity.csv").write_text("\n".join(["smiles,odd", *lines]))
    ended = molgraph("train", "parity.csv", "-o", "new", "--learner", "random_forest", "--folds", 3)
    assert ended.code == 0
    assert "WARNING: odd: held-out compounds are ranked no better than by chance" in ended.err
    ended = molgraph(
        "train", "parity.csv", "-o", "new", "--learner", "random_forest", "--folds", 3, "--json", "--overwrite"
    )
    assert json.loads(ended.out)["no_better_than_chance"] == ["odd"]
    warning = "WARNING: odd: calibration compounds are ranked no better than by chance"
    assert warning in molgraph("predict", "new", "parity.csv", "-o", "out.csv").err
    assert warning in molgraph("screen", "new", "library.smi", "-o", "by-chance", "--domain", "ignore").err
    assert json.loads(Path("by-chance", "summary.json").read_text())["no_better_than_chance"] == ["odd"]
    (folder / "size.csv").write_text("\n".join(["smiles,size", *(f"{'C' * n}O,{n}" for n in range(1, 31))]))
    ended = molgraph("train", "size.csv", "-o", "other", "--learner", "random_forest", "--folds", 3)
    assert "WARNING" not in ended.err


def test_train_says_what_it_learned_as_logarithms(molgraph, folder):
    lines = [f"{'C' * n}O,{10 ** (n / 8):.4g},{n}" for n in range(1, 91)]
    (folder / "ic50.csv").write_text("\n".join(["smiles,IC50,size", *lines]))
    told = ["train", "ic50.csv", "-o", "new", "--target-columns", "IC50,size", "--learner", "gp_tanimoto", "--folds", 3]
    shown = molgraph(*told).out.splitlines()
    assert [line for line in shown if "logarithms" in line] == [
        "IC50: learned as logarithms; half of the predictions are within that median fold error"
    ]
    (row,) = (line.split() for line in shown if "median_factor" in line)
    assert row[0] == "IC50"
    metrics = json.loads(molgraph(*told, "--json", "--overwrite").out)["metrics"]
    (factor,) = (record["mean"] for record in metrics if record["metric"] == "median_factor")
    assert float(row[2]) == pytest.approx(factor, rel=0.005)
    assert 1 < factor < 10


def test_less_may_be_better(molgraph, folder):
    """Known of what is recognised, asked of what is not; it is kept in the model and ranks a screen."""
    lines = [f"{'C' * n}O,{n},{n},{n}" for n in range(1, 31)]
    (folder / "ki.csv").write_text("\n".join(["smiles,Ki (nM),Ki,Kissing", *lines]))
    told = ["train", "ki.csv", "-o", "new", "--learner", "gp_tanimoto", "--folds", 2, "--overwrite"]
    ended = molgraph(*told, "--target-columns", "Ki (nM),Ki,Kissing")
    assert "pKi: 30 measured values, 7.523 to 9, median 7.81 -log10(mol/L); more is better" in ended.err
    assert [line for line in ended.err.splitlines() if "--minimize" in line] == [
        (
            "'Ki' has no unit, so it is learned as it is, and a screen asks which way is better; say --unit nM, "
            "or whatever its unit is, to have pKi learned, or --minimize Ki"
        )
    ]
    ended = molgraph(*told, "--target-columns", "Kissing", "--minimize", "Kissing")
    assert "less is better" in molgraph("models", "show", "new").out
    ended = molgraph("screen", "new", "library.smi", "-o", "hits", "--domain", "ignore")
    assert "(minimize Kissing)" in ended.err
    ended = molgraph(*told, "--target-columns", "Kissing", "--minimize", "Ki")
    assert ended.code == 2
    assert "is given for 'Ki', which is no target; the targets are Kissing" in ended.err


def test_a_range_is_kept(molgraph, assay_table, tmp_path, monkeypatch):
    """What a target can be at most stands in the model, and no prediction is outside."""
    monkeypatch.chdir(tmp_path)
    told = ("train", assay_table, "-o", "new", "--target-columns", "pIC50", "--learner", "gp_tanimoto", "--folds", 2)
    ended = molgraph(*told, "--range", "pIC50=2:9.5")
    assert ended.code == 0, ended.err
    assert json.loads(molgraph("models", "show", "new", "--json").out)["tasks"][0]["highest"] == 9.5
    assert molgraph("predict", "new", assay_table, "-o", "out.csv", "--level", 0.97).code == 0
    with Path("out.csv").open(newline="") as file:
        ends = [float(row["pIC50_upper"]) for row in csv.DictReader(file)]
    assert max(ends) == 9.5
    for text, words in (
        ("pIC50=2", "it must be like bound=0:100"),
        ("pIC50=:", "it must be like bound=0:100"),
        ("pIC50=a:b", "it must be like bound=0:100"),
        ("pIC50=0:inf", "it must be like bound=0:100"),
        ("0:100", "it must be like bound=0:100"),
        ("logP=0:5", "a range is given for 'logP'"),
        ("pIC50=0:5", "more outside of its range, 0 to 5"),
    ):
        ended = molgraph(*told, "--overwrite", "--range", text)
        assert (ended.code, words in ended.err) == (2, True), (text, ended.err)


def test_train_takes_settings_from_a_file(molgraph, folder):
    (folder / "s.toml").write_text("folds = 3\nepochs = 2\nseed = 7\ndevice = 'cpu'\n[model]\nhidden = 8\ndepth = 2\n")
    assert molgraph("train", "assay.csv", "-o", "new", "--target-columns", "pIC50", "--config", "s.toml",
                    "--folds", 2, "--depth", 4).code == 0  # fmt: skip
    config = json.loads(molgraph("models", "show", "new", "--json").out)["config"]
    assert (config["folds"], config["epochs"], config["seed"], config["device"]) == (2, 2, 7, "cpu")
    assert (config["model"]["hidden"], config["model"]["depth"]) == (8, 4)


def test_an_interrupted_training_says_how_to_go_on(molgraph, folder, monkeypatch):
    train = ("train", "assay.csv", "-o", "new", "--target-columns", "pIC50", *SMALL, "--epochs", 3)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
        patched.setattr(progress, "training_bar", interrupted_bar)
        ended = molgraph(*train)
    assert ended.code == 130
    assert ended.error.startswith("interrupted; the state of the training is kept in ")
    assert "the same command with --resume continues it" in ended.error
    assert not (folder / "new").exists()
    assert (folder / "new.training").is_dir()
    resumed = molgraph(*train, "--resume", "--json", "-q")
    assert resumed.code == 0
    assert not (folder / "new.training").exists()
    (folder / "new.training").mkdir()
    afresh = molgraph(*train, "--overwrite", "--json")
    assert "starting from scratch (--resume continues it)" in afresh.err
    assert json.loads(afresh.out)["metrics"] == json.loads(resumed.out)["metrics"]
    assert "to resume; starting from scratch" in molgraph(*train, "--overwrite", "--resume").err


@contextmanager
def interrupted_bar(*, quiet):
    def listen(progress):
        if progress.epoch >= 1:
            raise KeyboardInterrupt

    yield listen


def test_predict(molgraph, folder):
    ended = molgraph("predict", "model", "assay.csv", "-o", "out.csv", "--processes", 1)
    assert (ended.code, ended.out) == (0, "")
    told = ended.err.splitlines()
    assert told[0] == "32 of 39 rows predicted, written to out.csv"
    assert any(line.startswith("  rejected: line 33 (bad-0?[31m) 'C1CC0(': ") for line in told)
    assert "  and 2 more; the output gives the reason for each" in told
    out = rows("out.csv")
    assert len(out) == 39
    assert list(out[0])[:4] == ["id", "smiles", "status", "reason"]
    quiet = molgraph("predict", "model", "assay.csv", "-o", "out.csv", "--processes", 1, "-q", "--overwrite")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    as_json = molgraph("predict", "model", "assay.csv", "-o", "out.csv", "--processes", 1, "--json", "--overwrite")
    assert json.loads(as_json.out)["rejected"] == 7
    assert as_json.err == ""


@pytest.mark.parametrize(("limit", "code"), [("7", 0), ("6", 1), ("20%", 0), ("10%", 1), ("0", 1)])
def test_max_rejected(molgraph, folder, limit, code):
    options = ("-o", "out.csv", "--processes", 1, "-q", "--max-rejected", limit)
    ended = molgraph("predict", "model", "assay.csv", *options)
    assert ended.code == code
    assert len(rows("out.csv")) == 39
    if code:
        assert ended.error == f"7 of 39 rows were rejected; --max-rejected allows {limit}"


def test_max_rejected_of_train_and_screen(molgraph, folder):
    ended = molgraph("screen", "model", "library.smi", "-o", "hits", "--processes", 1, "-q", "--max-rejected", 0)
    assert (ended.code, ended.error) == (1, "1 of 32 rows were rejected; --max-rejected allows 0")
    assert (folder / "hits" / "hits.csv").exists()
    ended = molgraph("train", "assay.csv", "-o", "new", "--target-columns", "pIC50", *SMALL, "-q", "--max-rejected", 2)
    assert (ended.code, ended.error) == (1, "7 of 39 rows were rejected; --max-rejected allows 2")
    assert (folder / "new" / "card.json").exists()


def test_screen_of_the_training_file(molgraph, folder):
    ended = molgraph("screen", "model", "library.smi", "-o", "hits", "--top", 5, "--processes", 1)
    assert (ended.code, ended.out) == (0, "")
    told = ended.err.splitlines()
    assert told[0].startswith("32 rows: 31 scored, 1 rejected; ")
    assert told[1].startswith("  rejected: line 31 (lib-30) 'C1CC(': ")
    assert "5 hits (maximize pIC50) written to hits/hits.csv" in told
    hits = rows("hits/hits.csv")
    assert [hit["rank"] for hit in hits] == ["1", "2", "3", "4", "5"]
    assert all((hit["in_training"], hit["domain"]) == ("true", "inside") for hit in hits)  # lib-31, ethanol, is outside
    as_json = molgraph("screen", "model", "library.smi", "-o", "hits", "--processes", 1, "--overwrite", "--json")
    stored = {name: json.loads((folder / "hits" / f"{name}.json").read_text()) for name in ("summary", "timing")}
    assert json.loads(as_json.out) == stored["summary"] | {"timing": stored["timing"]}
    assert as_json.err == ""


def test_screen_tells_what_is_outside(molgraph, folder):
    first = (folder / "library.smi").read_text().splitlines()[0]
    (folder / "mixed.smi").write_text(f"{first}\nCCO ethanol\n[Co+3] cobalt\n")
    screen = ("screen", "model", "mixed.smi", "-o", "hits", "--processes", 1, "--overwrite")
    told = molgraph(*screen).err.splitlines()
    assert "1 hits (maximize pIC50) written to hits/hits.csv" in told
    assert told[-1].startswith("not listed: ")
    assert told[-1].endswith(", in hits/outside.csv")
    assert {row["id"] for row in rows("hits/outside.csv")} == {"ethanol", "cobalt"}
    # One way round or the other the training compound is not the best of the three.
    told = [
        molgraph(*screen, "--top", 1, "--goal", f"{way} pIC50").err.splitlines()[-1] for way in ("maximize", "minimize")
    ]
    assert any(
        re.fullmatch("not listed: the best 1 compound outside .* with as good a score, in hits/outside.csv", line)
        for line in told
    )
    told = molgraph(*screen, "--domain", "ignore").err.splitlines()
    assert "3 hits (maximize pIC50) written to hits/hits.csv" in told
    assert "outside" not in told[-1]
    (folder / "mixed.smi").write_text("CCO ethanol\n[Co+3] cobalt\n")
    told = molgraph(*screen).err
    assert "0 hits (maximize pIC50) written to hits/hits.csv" in told
    assert "no hits: all of the 2 candidates are outside" in told
    assert "--domain ignore ranks them all the same" in told
    (folder / "none.toml").write_text(
        'require = ["pIC50 > 50"]\n[[objective]]\ntask = "pIC50"\ncurve = "sigmoid"\nlow = 5\nhigh = 7\n'
    )
    told = molgraph(*screen, "--domain", "ignore", "--profile", "none.toml").err
    assert "none of the 2 compounds meets the requirements of the profile" in told


def test_screen_selects_and_tells_on_what_it_rests(molgraph, folder):
    screen = ("screen", "model", "library.smi", "-o", "hits", "--processes", 1, "--overwrite")
    told = molgraph(*screen, "--hit", "pIC50 >= 6", "--fdr", "0.3").err
    assert "Selected none" in told
    assert not re.search(r"would select about \d\d", told)  # all but one are training compounds
    assert "Not selected though they score as well: 29 training compounds." in told
    assert re.search(r"It rests on (5\d|60) calibration compounds", told)  # those of 60 that are in the domain
    assert "Shift check: " in told
    ended = molgraph(*screen, "--hit", "pIC50 >= 6", "--fdr", "0.3", "--json")
    assert json.loads(ended.out)["selection"]["in_training"] >= 0
    for arguments, message in (
        (("--fdr", "0.1"), "needs a hit"),
        (("--hit", "pIC50 >= 6", "--fdr", "2"), "fdr is 2; it must lie between 0 and 1"),
        (("--hit", "pIC50 >= 60"), "none of them is"),
        (("--hit", "potency >= 6"), "a task of the model (pIC50)"),
        (("--hit", "pIC50 >= 6", "--fdr", "0.001"), "needs at least 999 calibration compounds"),
    ):
        ended = molgraph(*screen, *arguments)
        assert ended.code == 2
        assert message in ended.error


def test_evaluate(molgraph, folder, assay, monkeypatch):
    lines = [f"{text},{value}" for text, value in zip(assay[0][100:140], assay[1][100:140], strict=True)]
    (folder / "new.csv").write_text("\n".join(["smiles,pIC50", *lines, "C1CC,5"]))
    ended = molgraph("evaluate", "model", "new.csv", "-o", "judged", "--hit", "pIC50 >= 6.5", "--recalibrate", "again")
    assert ended.code == 0, ended.err
    assert "new.csv: 41 rows, 40 compounds evaluated, 1 rejected" in ended.err
    shown = ended.out.splitlines()
    assert shown[1].startswith("pIC50: 40 compounds, ")
    assert [line.split()[0] for line in shown[2:8]] == ["rmse", "mae", "r2", "spearman", "kendall", "nll"]
    assert re.search(r"\n  nominal +50% +80% +90% +95%\n +all +40 ", ended.out)
    assert (folder / "judged" / "parity.png").exists()
    told = molgraph("evaluate", "again", "new.csv")
    assert told.code == 2
    assert "all 40 compounds of new.csv were in the training" in told.error
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO((folder / "new.csv").read_bytes())))
    as_json = molgraph("evaluate", "model", "-", "--json")
    assert json.loads(as_json.out)["tasks"][0]["n_rows"] == 40
    assert as_json.err == ""


def test_train_with_dropout_by_its_name(molgraph, folder):
    assert molgraph("train", "assay.csv", "-o", "new", "--target-columns", "pIC50", *SMALL, "--uncertainty", "dropout",
                    "--calibration", "split").code == 0  # fmt: skip
    config = json.loads((folder / "new" / "card.json").read_text())["config"]
    assert (config["uncertainty"]["method"], config["model"]["dropout"], config["uncertainty"]["calibration"]) == (
        "dropout",
        0.1,
        "split",
    )


@pytest.mark.parametrize("command", ["predict", "screen"])
def test_an_interrupt_leaves_nothing(molgraph, folder, monkeypatch, command):
    @contextmanager
    def interrupted(*_, **__):
        def listen(_progress):
            raise KeyboardInterrupt

        yield listen

    monkeypatch.setattr(progress, "stream_bar", interrupted)
    before = sorted(folder.iterdir())
    ended = molgraph(
        command, "model", "library.smi", "-o", "out.csv" if command == "predict" else "out", "--processes", 1
    )
    assert (ended.code, ended.error) == (130, "interrupted; no incomplete output is left")
    assert sorted(folder.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGTERM")
@pytest.mark.parametrize(
    ("processes", "number", "code"), [(1, "SIGTERM", 143), (2, "SIGTERM", 143), (2, "SIGHUP", 129)]
)
def test_a_job_manager_ends_it_as_an_interrupt_does(folder, processes, number, code):
    Path("long.smi").write_text("CCO\n" * 500_000)  # minutes of work
    before = sorted(folder.iterdir())
    command = [*PROGRAM, "predict", "model", "long.smi", "-o", "out.csv", "--processes", str(processes)]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        while sorted(folder.iterdir()) == before and program.poll() is None:
            time.sleep(0.1)  # until the output has begun beside its place
        os.killpg(program.pid, getattr(signal, number))  # helpers get it, too
        _, said = program.communicate(timeout=120)
    finally:
        program.kill()
    assert said == "molgraph: terminated; no incomplete output is left\n"
    assert program.returncode == code
    assert sorted(folder.iterdir()) == before


def test_bugs_are_one_line_too(molgraph, folder, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(progress, "stream_bar", fail)
    ended = molgraph("predict", "model", "library.smi", "-o", "out.csv")
    assert ended.code == 2
    assert ended.error.startswith("this is a bug in molgraph: RuntimeError: first (set MOLGRAPH_DEBUG=1")
    monkeypatch.setenv("MOLGRAPH_DEBUG", "1")
    with pytest.raises(RuntimeError, match="first"):
        molgraph("predict", "model", "library.smi", "-o", "out.csv").error  # noqa: B018


def test_memory_runs_out(molgraph, folder, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(progress, "stream_bar", fail)
    assert molgraph("predict", "model", "library.smi", "-o", "out.csv").error.startswith("out of memory; use --proc")


def test_stdin_to_stdout(folder):
    command = [*PROGRAM, "predict", "model", "-", "-o", "-", "--processes", "1", "--device", "cpu"]
    done = subprocess.run(command, input="CCO ethanol\nbad\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0
    lines = list(csv.DictReader(done.stdout.splitlines()))
    assert [(line["smiles"], line["status"]) for line in lines] == [("CCO", "ok"), ("bad", "rejected")]
    assert done.stderr.splitlines()[0] == "1 of 2 rows predicted, written to stdout"


def test_stdout_that_is_full_or_gone():
    command = [*PROGRAM, "datasets", "list"]
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "molgraph: No space left on device\n")
    reader, writer = subprocess.os.pipe()
    subprocess.os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    subprocess.os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system has no limit on the size of files")
def test_a_disk_that_fills_up(folder):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    before = sorted(folder.iterdir())
    command = [*PROGRAM, "predict", "model", "assay.csv", "-o", "out.csv", "--processes", "1", "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 2
    assert done.stderr.startswith("molgraph: out.csv: cannot be written, because there is no space left in ")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(folder.iterdir()) == before


def test_rejected_rows_are_cut(molgraph, capsys):
    from molgraph_cli.options import tell_rejected

    tell_rejected([Rejected(3, "i" * 100, "C" * 1000, "parse", "too long")], 1, "")
    assert capsys.readouterr().err == f"  rejected: row 3 ({'i' * 40}) '{'C' * 60}': too long\n"


def test_progress_follows_the_newest_member(monkeypatch):
    notes = []

    @contextmanager
    def noted(_what, *, quiet):
        yield lambda _done, _total, _molecules, note: notes.append(note)

    monkeypatch.setattr(progress, "_bar", noted)
    with progress.training_bar(quiet=False) as listen:
        listen(TrainProgress((), 0, 1, 10, 100, None, learner="descriptors"))
        for member, epoch, loss in [(0, 0, None), (1, 0, None), (0, 1, 0.5), (1, 2, 0.25)]:
            listen(TrainProgress((member,), epoch, 3, 10, 100, loss))
        listen(TrainProgress((1,), 2, 3, 10, 100, None, learner="random_forest"))
    assert notes == [
        "descriptors",
        "model 1, epoch 1/3",
        "model 2, epoch 1/3",
        "model 2, epoch 1/3",
        "model 2, epoch 3/3, loss 0.25",
        "random forest, model 3 of 3",
    ]

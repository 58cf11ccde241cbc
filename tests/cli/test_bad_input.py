"""Whatever is wrong with the input: one clear line on stderr, exit code 2, and nothing half-written."""

import errno
import os
import re

import pytest
import torch

from molgraph.storage import atomic

ROWS = [("CCO", 1.0), ("CCN", 2.0), ("CCC", 3.5), ("CCCl", 4.0), ("c1ccccc1", 5.0), ("CCOC", 6.0)]
SMALL = ("--folds", 2, "--epochs", 1, "--hidden", 8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Some tables, good and bad, in the current folder."""
    texts = {
        "good.csv": "smiles,y\n" + "".join(f"{smiles},{value}\n" for smiles, value in ROWS),
        "empty.csv": "",
        "header.csv": "smiles,y\n",
        "text.csv": "smiles,y\nCCO,high\nCCN,low\nCCC,medium\n",
        "unparsable.csv": "smiles,y\nbad,1\nworse(,2\nC1CC,3\n",
        "one_class.csv": "smiles,active\nCCO,1\nCCN,1\nCCC,1\n",
        "few.csv": "smiles,y\nCCO,1\nCCN,2\nCCC,3\n",
        "doubled.csv": "smiles,y,y\nCCO,1,2\nCCN,2,3\nCCC,3,4\n",
        "two.csv": "smiles,y,z\nCCO,1,2\nCCN,2,3\nCCC,3,4\n",
        "unknown.toml": "epochs = 3\nlearning_rate = 0.1\n",
        "type.toml": "epochs = 'many'\n",
        "broken.toml": "epochs = = 3\n",
        "file.txt": "a file\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine\n")
    (tmp_path / "no_model").mkdir()
    (tmp_path / "no_model" / "card.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


TRAIN = [
    ("empty.csv", (), r"empty"),
    ("header.csv", (), r"header\.csv holds no molecules below the header"),
    ("missing.csv", (), r"missing\.csv.*(no such|not exist|no file)"),
    ("no_such_set", (), r"no_such_set"),
    ("binary.csv", (), r"binary\.csv"),
    ("good.csv", ("--target-columns", "x"), r"no column 'x'.*'smiles'.*'y'"),
    ("good.csv", ("--target-columns", ""), r"column"),
    ("good.csv", ("-s", "structure"), r"no column 'structure'.*'smiles'"),
    ("good.csv", ("--id-column", "name"), r"no column 'name'"),
    ("good.csv", ("--weight-column", "w"), r"no column 'w'"),
    ("text.csv", (), r"text\.csv.*'high'|'y'.*'high'"),
    ("text.csv", ("--target-columns", "y"), r"'y'.*'high'"),
    ("unparsable.csv", (), r"none of the 3 rows gives a molecule.*'bad'.*'smiles'"),
    ("one_class.csv", ("-t", "classification"), r"'active' holds only class 1"),
    ("good.csv", ("-t", "classification"), r"'y'.*class"),
    ("few.csv", ("--folds", 5), r"3 .*5"),
    ("doubled.csv", (), r"'y'.*twice|twice.*'y'|doubled|'y'.*more than once"),
    ("two.csv", (), r"'y', 'z'.*--target-columns"),
    ("good.csv", ("-o", "full"), r"full: the folder exists and is not empty.*--overwrite"),
    ("good.csv", ("-o", "full", "--overwrite"), r"full: to replace the folder would delete notes\.txt"),
    ("good.csv", ("-o", "file.txt"), r"file\.txt.*file of that name"),
    ("good.csv", ("-o", "file.txt/model"), r"file\.txt"),
    ("good.csv", ("-o", "missing/model"), r"missing does not exist; make it first"),
    ("good.csv", ("-o", "/proc/model"), r"/proc/model.*cannot|cannot write /proc/model"),
    ("good.csv", ("--config", "missing.toml"), r"missing\.toml.*No such file"),
    ("good.csv", ("--config", "unknown.toml"), r"unknown\.toml.*'learning_rate'.*peak_lr"),
    ("good.csv", ("--config", "type.toml"), r"type\.toml: epochs is 'many'; it must be a whole number"),
    ("good.csv", ("--config", "broken.toml"), r"broken\.toml is not a TOML file"),
    ("good.csv", ("--folds", 0), r"folds is 0; it must lie between 1 and 100"),
    ("good.csv", ("--epochs", "many"), r"'--epochs'.*integer.*'many'.*molgraph train --help"),
    ("good.csv", ("--split", "lucky"), r"'--split'.*'lucky'.*'random', 'scaffold'"),
    ("good.csv", ("--device", "tpu"), r"'--device'.*'tpu'.*'auto', 'cpu', 'cuda'"),
    ("good.csv", ("--max-rejected", "some"), r"--max-rejected is 'some'.*10.*5%"),
    ("good.csv", ("--max-rejected", "-1"), r"--max-rejected is '-1'"),
    ("good.csv", ("--colour", "red"), r"--colour.*molgraph train --help"),
]


@pytest.mark.parametrize("case", TRAIN, ids=lambda case: "-".join(map(str, (case[0], *case[1]))))
def test_train(molgraph, folder, case):
    table, options, message = case
    before = contents(folder)
    output = () if "-o" in options else ("-o", "model")
    small = SMALL[2:] if "--folds" in options else SMALL
    ended = molgraph("train", table, *output, *small, *options)
    assert (ended.code, ended.out) == (2, "")
    assert re.search(message, ended.error), ended.error
    assert contents(folder) == before


@pytest.fixture
def model(folder, model_folder):
    (folder / "model").symlink_to(model_folder)
    return "model"


EITHER = [
    ("model", "missing.smi", (), r"missing\.smi"),
    ("model", "empty.csv", (), r"empty\.csv.*empty"),
    ("model", "unparsable.csv", (), r"unparsable\.csv: no row gives a molecule \('bad': .*'smiles' the column"),
    ("model", "good.csv", ("-s", "structure"), r"no column 'structure'.*'smiles'"),
    ("model", "good.csv", ("--level", "1.5"), r"level is 1\.5; it must lie between 0 and 1"),
    ("model", "good.csv", ("--level", "0.99"), r"need at least 99 calibration compounds, and the model has 60"),
    ("model", "good.csv", ("--precision", "float16"), r"'--precision'.*'float16'.*'bfloat16'"),
    ("model", "good.csv", ("--processes", "0"), r"'--processes'.*1.*'0'"),
    ("model", "good.csv", ("--max-rejected", "5 %%"), r"--max-rejected is '5 %%'"),
    ("missing", "good.csv", (), r"missing"),
    ("full", "good.csv", (), r"full"),
    ("no_model", "good.csv", (), r"no_model"),
    ("file.txt", "good.csv", (), r"file\.txt"),
    ("good.csv", "model", (), r"model is a model, and good\.csv is a file; the model comes first.*: model good\.csv$"),
    ("good.csv", "panel", (), r"panel is a model, and good\.csv is a file; the model comes first"),
]
PREDICT = [
    ("model", "good.csv", ("-o", "out.xlsx"), r"out\.xlsx: cannot write that format.*\.csv"),
    ("model", "good.csv", ("-o", "out"), r"out: the name says no format; name it e\.g\. out\.csv"),
    ("model", "good.csv", ("-o", "full"), r"full is a folder, and this command writes a file; .*e\.g\. full/out\.csv"),
    ("model", "good.csv", ("-o", "two.csv"), r"two\.csv: the file exists; give another name, or --overwrite"),
    ("model", "good.csv", ("-o", "good.csv", "--overwrite"), r"good\.csv: this file is the input"),
    ("model", "good.csv", ("-o", "missing/out.csv"), r"missing does not exist; make it first"),
    ("model", "good.csv", ("-o", "file.txt/out.csv"), r"file\.txt/out\.csv"),
    ("model", "good.csv", ("-o", "/proc/out.csv"), r"/proc/out\.csv: cannot be written"),
    ("model", "good.csv", ("-o", "-", "--json"), r"--json and --output - both"),
]
SCREEN = [
    ("model", "good.csv", ("--top", "0"), r"top is 0; it must be at least 1"),
    ("model", "good.csv", ("--goal", "toxicity"), r"toxicity.*pIC50"),
    ("model", "good.csv", ("--goal", "minimize PIC-50"), r"goal is 'minimize PIC-50'; did you mean 'pIC50'\?"),
    ("model", "good.csv", ("--hit", "pIC5O > 7"), r"hit has 'pIC5O > 7'; did you mean 'pIC50'\?"),
    ("model", "good.csv", ("--hit", "pIC50 > 70"), r"choose a limit that separates hits from the others"),
    ("model", "good.csv", ("--keep-columns", "price,stock"), r"'price'"),
    ("model", "good.csv", ("-o", "full"), r"full.*not empty.*--overwrite"),
    ("model", "good.csv", ("-o", "file.txt"), r"file\.txt.*file of that name"),
    ("model", "good.csv", ("-o", "hits.csv"), r"hits\.csv: this command writes a folder.* e\.g\. hits$"),
    ("model", "good.csv", ("-o", "hits.SDF.gz"), r"hits\.SDF\.gz: this command writes a folder.* e\.g\. hits$"),
    ("model", "good.csv", ("-o", "/proc/hits"), r"/proc/hits.*cannot be"),
]
CASES = [
    *(("predict", *case) for case in (*EITHER, *PREDICT)),
    *(("screen", *case) for case in (*EITHER, *SCREEN)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, (*case[:3], *case[3]))))
def test_predict_and_screen(molgraph, folder, model, case):
    command, model_name, source, options, message = case
    before = contents(folder)
    output = () if "-o" in options else ("-o", "out.csv" if command == "predict" else "hits")
    processes = () if "--processes" in options else ("--processes", 1)
    ended = molgraph(command, model_name, source, *output, *processes, "--device", "cpu", *options)
    assert (ended.code, ended.out) == (2, "")
    assert re.search(message, ended.error), ended.error
    assert contents(folder) == before


#: What a command writes that is not there.
FRESH = {"predict": "new.csv", "screen": "new"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("command", ["train", "predict", "screen"])
def test_no_cuda(molgraph, folder, model, command):
    before = contents(folder)
    arguments = ("good.csv", "-o", "new") if command == "train" else (model, "good.csv", "-o", FRESH[command])
    ended = molgraph(command, *arguments, "--device", "cuda", *(SMALL if command == "train" else ("--processes", 1)))
    assert (ended.code, ended.out) == (2, "")
    assert "sees no CUDA device; use --device auto or --device cpu" in ended.error
    assert contents(folder) == before


@pytest.mark.parametrize("command", ["train", "predict", "screen"])
def test_no_space(molgraph, folder, model, command, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic, "_sync", full)
    before = contents(folder)
    arguments = ("good.csv", "-o", "new") if command == "train" else (model, "good.csv", "-o", FRESH[command])
    ended = molgraph(command, *arguments, "--device", "cpu", *(SMALL if command == "train" else ("--processes", 1)))
    assert (ended.code, ended.out) == (2, "")
    assert "no space left" in ended.error
    assert not [path for path in contents(folder) if path not in before]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("models", "show", "full"), r"full"),
        (("models", "show", "hergg"), r"there is no folder 'hergg'.*did you mean 'herg'\?"),
        (("evaluate", "good.csv", "herg"), r"herg is a model, and good\.csv is a file; the model comes first"),
        (("models", "show", "no_model"), r"no_model"),
        (("datasets", "show", "esoll"), r"did you mean esol\?"),
        (("datasets", "fetch", "nothing"), r"nothing"),
        (("demo", "-o", "full"), r"full exists and is not empty.*--overwrite"),
        (("demo", "-o", "full", "--overwrite"), r"full exists and is not the output of a demonstration"),
        (("demo", "-o", "file.txt"), r"file\.txt"),
        (("demo", "-o", "file.txt/demo"), r"file\.txt"),
        (("demo", "-o", "demo.csv"), r"demo\.csv: this command writes a folder"),
        (("embed", "good.csv", "-o", "two.csv"), r"two\.csv: the file exists; give another name, or --overwrite"),
        (("embed", "good.csv", "-o", "full"), r"full is a folder, and this command writes a file"),
        (("featurize", "good.csv", "-o", "full"), r"full: the folder exists and is not empty.*--overwrite"),
        (("featurize", "good.csv", "-o", "packed.csv"), r"packed\.csv: this command writes a folder"),
        (("tune", "good.csv", "-o", "study.csv"), r"study\.csv: this command writes a folder"),
        (("pretrain", "good.csv", "-o", "encoder.parquet"), r"encoder\.parquet: this command writes a folder"),
        (("train", "good.csv", "-o", "model.csv"), r"model\.csv: this command writes a folder"),
        (("benchmark", "run", "-o", "file.txt"), r"file\.txt.*file of that name"),
        (("benchmark", "run", "-o", "records.json"), r"records\.json: this command writes a folder"),
        (("demo", "--seed", "-1"), r"'--seed'.*0.*'-1'"),
    ],
)
def test_other_commands(molgraph, folder, arguments, message):
    before = contents(folder)
    ended = molgraph(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert re.search(message, ended.error), ended.error
    assert contents(folder) == before


def test_text_of_a_file_cannot_command_the_terminal(molgraph, folder):
    (folder / "hostile.csv").write_text("smiles,\x1b[31my\nCCO,\x1b]0;title\x07\nCCN,2\n", newline="")
    ended = molgraph("train", "hostile.csv", "-o", "model", *SMALL)
    assert ended.code == 2
    assert "\x1b" not in ended.err
    assert "\x07" not in ended.err
    ended = molgraph("train", "good.csv", "-o", "\x1b[31mmissing/model", *SMALL)
    assert "?[31mmissing" in ended.error

"""User-wide defaults: written by `molgraph init`, read by all commands, below options and settings files."""

import json

import pytest

from molgraph.config.user_defaults import UserDefaults, defaults_path, load_defaults
from molgraph.errors import InputError
from molgraph_cli import commands


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOLGRAPH_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings" / "molgraph" / "config.toml"


def test_where_they_are(file, monkeypatch):
    assert defaults_path() == file
    monkeypatch.setenv("MOLGRAPH_CONFIG", "own.toml")
    assert defaults_path().name == "own.toml"
    monkeypatch.setenv("MOLGRAPH_CONFIG", "")
    assert defaults_path() is None
    assert load_defaults() == UserDefaults()


def test_set_add_show_and_reset(molgraph, file):
    assert "no defaults are set" in molgraph("init").out
    assert not file.exists()
    assert molgraph("init", "--device", "cpu", "--level", 0.8).code == 0
    assert "processes" in molgraph("init", "--processes", 1).out
    assert load_defaults() == UserDefaults(device="cpu", level=0.8, processes=1)
    shown = json.loads(molgraph("init", "--show", "--json").out)
    assert shown == {"file": str(file), "defaults": {"device": "cpu", "processes": 1, "level": 0.8}}
    assert "device cpu, processes 1, level 0.8" in molgraph("doctor").out
    assert molgraph("init", "--show", "--level", 0.5).code == 2
    molgraph("init", "--reset", "--output-format", "tsv", "--unit", "nM")
    assert load_defaults() == UserDefaults(output_format="tsv", unit="nM")


def test_commands_follow_them(molgraph, file, model_folder):
    file.parent.mkdir(parents=True)
    file.write_text("device = 'cuda'\n")
    (file.parents[2] / "in.smi").write_text("CCO\nCCN\n")
    predict = ("predict", model_folder, "in.smi", "--processes", 1)
    assert "CUDA" in molgraph(*predict, "-o", "out.csv").error
    assert molgraph(*predict, "-o", "out.csv", "--device", "cpu").code == 0  # an option comes first
    file.write_text("device = 'cpu'\noutput_format = 'tsv'\nlevel = 0.5\n")
    assert molgraph(*predict, "-o", "half").code == 0
    half, whole = (file.parents[2] / name for name in ("half.tsv", "out.csv"))
    width = [float(row[1]) - float(row[0]) for row in (limits(half, "\t"), limits(whole, ","))]
    assert width[0] < width[1]


def limits(path, delimiter):
    head, first, *_ = (line.split(delimiter) for line in path.read_text().splitlines())
    row = dict(zip(head, first, strict=True))
    return row["pIC50_lower"], row["pIC50_upper"]


def test_a_file_of_settings_comes_first(molgraph, file, assay_table):
    file.parent.mkdir(parents=True)
    file.write_text("device = 'cuda'\n")
    (file.parents[2] / "own.toml").write_text("folds = 2\ndevice = 'cpu'\n")
    train = ("train", assay_table, "--target-columns", "pIC50", "--learner", "gp_tanimoto", "-q")
    assert molgraph(*train, "-o", "new", "--config", "own.toml").code == 0
    assert "CUDA" in molgraph(*train, "-o", "other").error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("devise = 'cpu'\n", r"there is no setting 'devise'; did you mean 'device'"),
        ("level = 2\n", r"level is 2\.0; it must lie between"),
        ("processes = true\n", r"processes is True; it must be a whole number"),
        ("output_format = 'xlsx'\n", r"output_format is 'xlsx'; it must be one of 'csv'"),
        ("device = = 1\n", r"is not a TOML file"),
    ],
)
def test_a_broken_file_is_one_line_and_can_be_mended(molgraph, file, text, message):
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        load_defaults()
    ended = molgraph("predict", "model", "in.smi", "-o", "out.csv")
    assert (ended.code, ended.out) == (2, "")
    assert "config.toml" in ended.error or "UserDefaults" in ended.error
    assert molgraph("help", "predict").code == 0
    assert "defaults" in molgraph("doctor").out
    assert molgraph("init", "--reset").code == 0
    assert load_defaults() == UserDefaults()
    assert {"init", "doctor", "help"} == set(commands._WITHOUT_DEFAULTS)

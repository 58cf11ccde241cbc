"""The library names settings as Python has them, and the command line shows their flags in this place."""

import pytest

from molgraph import ScreenConfig, load_dataset
from molgraph.errors import InputError, setting
from molgraph_cli.flags import _flags, with_flags


@pytest.mark.parametrize(
    ("python", "flag"),
    [
        (setting("overwrite", True), "--overwrite"),
        (setting("keep_structures", False), "--no-structures"),
        (setting("keep_structures", True), "--structures"),
        (setting("hit", "pIC50 >= 7"), "--hit 'pIC50 >= 7'"),
        (setting("fdr", 0.2), "--fdr 0.2"),
        (setting("target_columns", ["*"]), "--target-columns '*'"),
        (setting("missing", ["-999"]), "--missing=-999"),
        (setting("where", {"Standard Type": "IC50"}), "--where 'Standard Type=IC50'"),
        (setting("units", "nM"), "--unit nM"),
        (setting("task_kind", "regression"), "--task-type regression"),
        (setting("directions", {"IC50 (x)": "minimize"}), "--minimize 'IC50 (x)'"),
        ("`directions`", "--minimize or --maximize"),
        ("`hidden`", "--hidden"),
        (setting("uncertainty.method", "mve"), "--uncertainty mve"),
        (setting("encoder.pretrained", "none"), "--encoder none"),
        ("`intervals='auto'`", "`intervals='auto'`"),  # of a file of settings
        ("`hit=open(1)`", "`hit=open(1)`"),
        ("`hit=[`", "`hit=[`"),
    ],
)
def test_flags(python, flag):
    assert with_flags(f"give {python}.") == f"give {flag}."


def test_a_setting_has_one_flag_in_all_commands():
    assert _flags()["overwrite"] == ("--overwrite", "")
    assert all(flag.startswith("--") for flag, _ in _flags().values())


def test_python_and_the_command_line_name_the_same(molgraph, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.csv").write_text("smiles,y,z\nCCO,1,2\nCCN,2,3\nCCC,3,4\n")
    with pytest.raises(
        InputError, match=r"name one or more with `target_columns`, or all with `target_columns=\['\*'\]`$"
    ):
        load_dataset("two.csv")
    error = molgraph("train", "two.csv", "-o", "model").error
    assert error.endswith("name one or more with --target-columns, or all with --target-columns '*'")
    with pytest.raises(InputError, match=r"say what a hit is, e\.g\. `hit='pIC50 >= 7'`$"):
        ScreenConfig(fdr=0.1)
    error = molgraph("screen", "herg", "two.csv", "-o", "hits", "--fdr", 0.1).error
    assert error.endswith("say what a hit is, e.g. --hit 'pIC50 >= 7'")

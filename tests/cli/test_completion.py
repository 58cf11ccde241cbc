"""What a shell offers after TAB, asked as a shell asks."""

import gzip
import subprocess
import sys

import pytest

from molgraph.prediction.builtin_models import builtin_models
from molgraph_cli.app import main


@pytest.fixture
def offered(tmp_path, monkeypatch, capsys):
    """The words that are offered for the last one of a command line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assay.csv").write_text("smiles;pIC50;hERG;stock price\nCCO;1;2;3\n", encoding="utf-8-sig")
    (tmp_path / "packed.tsv.gz").write_bytes(gzip.compress(b"smiles\tlogD\nCCO\t1\n"))
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b no gzip")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "potency").mkdir()
    monkeypatch.setattr(sys, "argv", ["molgraph"])

    def ask(*words):
        monkeypatch.setenv("_MOLGRAPH_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["molgraph", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.split("\n")[:-1] if captured.out.strip() else []

    return ask


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["he"], ["help"]),
        (["models", "sh"], ["show"]),
        (["train", "es"], ["esol"]),
        (["train", "ass"], ["assay.csv"]),
        (["train", "mod"], ["models/"]),
        (["datasets", "show", "lipo"], ["lipophilicity"]),
        (["train", "assay.csv", "--learner", "gp_t"], ["gp_tanimoto"]),
        (["train", "assay.csv", "-o", "new", "--target-columns", "pI"], ["pIC50"]),
        (["train", "assay.csv", "-o", "new", "--target-columns", "pIC50,h"], ["pIC50,hERG"]),
        (["train", "assay.csv", "-s", "sm"], ["smiles"]),
        (["train", "packed.tsv.gz", "--minimize", "lo"], ["logD"]),
        (["train", "broken.csv.gz", "--minimize", "lo"], []),
        (["train", "missing.csv", "--minimize", "lo"], []),
        (["predict", "models/p"], ["models/potency"]),
        (["screen", "model", "assay.csv", "--keep-columns", "st"], ["stock price"]),
        (["screen", "model", "assay.csv", "--alerts", "pains,b"], ["pains,brenk"]),
        (["predict", "no/such/"], []),
    ],
    ids=" ".join,
)
def test_offered(offered, words, expected):
    assert offered(*words) == expected


def test_models_are_offered(offered):
    names = list(builtin_models())
    if "herg" not in names or "ames" not in names:
        pytest.skip("no models are built in")
    assert offered("predict", "her") == [name for name in names if name.startswith("her")]
    assert "panel" in offered("models", "show", "pan")
    assert "panel:herg,ames" in offered("screen", "panel:herg,am")
    assert not any("herg,herg" in word for word in offered("screen", "panel:herg,"))


def test_a_script_for_the_shell_is_shown():
    program = "import sys; sys.argv = ['molgraph', '--show-completion', 'zsh']; from molgraph_cli.app import run; run()"
    environment = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_MOLGRAPH_COMPLETE" in done.stdout

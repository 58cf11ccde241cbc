"""`screen`: every row is accounted for, the best are found, and nothing appears half-written."""

import csv
import gzip
import json
import os
import signal
import time
from multiprocessing import active_children

import pytest

from molgraph import Predictor, __version__, screen
from molgraph.chem.identity import canonical_smiles
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError, ModelError, WorkerError
from molgraph.model_folder.folder import model_hash
from molgraph.prediction import parallel_predict as stream
from molgraph.prediction import predictor as predictor_module
from molgraph.screening import screen as module
from molgraph.screening.state import ScreenState

HITS_COLUMNS = [
    *(
        "rank",
        "id",
        "smiles",
        "duplicate_ids",
        "pIC50_pred",
        "pIC50_std",
        "pIC50_lower",
        "pIC50_upper",
        "ranked_by",
        "score",
        "latent_distance",
    ),
    *("leverage", "in_training", "domain", "domain_reason"),
    *("nearest_id", "nearest_smiles", "nearest_similarity", "nearest_value"),
]
QUALITY_COLUMNS = ["alerts", "qed", "lipinski_violations", "sa_score"]


@pytest.fixture(scope="module")
def predictor(model_folder) -> Predictor:
    return Predictor.load(model_folder, device="cpu")


@pytest.fixture
def library(assay, tmp_path):
    """100 compounds, garbage, doubled texts, and one compound in three spellings."""
    lines = [f"{text} cpd{row}" for row, text in enumerate(assay[0][40:140])]
    lines[10:10] = ["C1CC ring", "oops bad"]
    lines[50:50] = ["OCC ethanol1", "CCO ethanol2", "C(O)C ethanol3", lines[0].replace(" cpd0", " again"), "C1CC ring"]
    path = tmp_path / "library.smi"
    path.write_text("\n".join(lines) + "\n")
    return path


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def known(hit) -> bool:
    """Whether a hit has the structure of a training compound."""
    return hit["in_training"] == "true" or "stereo" in hit["domain_reason"]


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"}


def test_every_row_is_accounted_for(predictor, library, tmp_path):
    result = screen(predictor, library, output=tmp_path / "hits", config=ScreenConfig(top=1000))
    assert (result.rows_read, result.scored, result.rejected, result.duplicates) == (107, 103, 2, 2)
    assert result.rows_read == result.scored + result.rejected + result.duplicates
    assert len(result.hits) + len(result.outside) == 101
    assert result.output == tmp_path / "hits"
    assert names(tmp_path / "hits") == [
        *("duplicates.csv", "hits.csv", "outside.csv", "rejected.csv", "summary.json", "timing.json")
    ]
    rejected = rows(tmp_path / "hits" / "rejected.csv")
    assert [(row["row"], row["id"], row["smiles"]) for row in rejected] == [
        ("10", "ring", "C1CC"),
        ("11", "bad", "oops"),
    ]
    lines = library.read_text().splitlines()
    assert [lines[int(row["line"]) - 1].split()[0] for row in rejected] == ["C1CC", "oops"]
    assert rejected[0]["reason"] == "SMILES Parse Error: unclosed ring"
    assert [rejected.row for rejected in result.first_rejected] == [10, 11]
    duplicates = rows(tmp_path / "hits" / "duplicates.csv")
    assert [(row["row"], row["id"]) for row in duplicates] == [("53", "again"), ("54", "ring")]
    assert [lines[int(row["line"]) - 1].split()[-1] for row in duplicates] == ["again", "ring"]


def test_hits_are_the_best_of_all(predictor, library, tmp_path):
    screen(predictor, library, output=tmp_path / "hits", config=ScreenConfig(top=1000, domain="ignore"))
    hits = rows(tmp_path / "hits" / "hits.csv")
    texts, ids = zip(*(line.split() for line in library.read_text().splitlines()), strict=True)
    prediction = predictor.predict(texts)
    mean = dict(zip(ids, prediction.mean[:, 0], strict=True))
    upper = dict(zip(ids, prediction.interval(0.9)[1][:, 0], strict=True))
    assert list(hits[0]) == HITS_COLUMNS + QUALITY_COLUMNS
    assert [int(hit["rank"]) for hit in hits] == list(range(1, 102))
    for hit in hits:
        assert float(hit["pIC50_pred"]) == pytest.approx(mean[hit["id"]], rel=1e-5)
        assert float(hit["pIC50_upper"]) == pytest.approx(upper[hit["id"]], rel=1e-5)
        assert hit["score"] == hit["pIC50_pred"]
    scores = [float(hit["score"]) for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len({canonical_smiles(hit["smiles"]) for hit in hits}) == 101
    assert [hit["id"][:7] for hit in hits].count("ethanol") == 1
    assert {hit["id"]: hit["duplicate_ids"] for hit in hits if hit["duplicate_ids"]} == {
        "ethanol1": "ethanol2; ethanol3",  # other spellings
        "cpd0": "again",
    }


@pytest.mark.parametrize("top", [1, 7, 60, 200])
def test_domain_parts_the_ranking(predictor, library, tmp_path, top):
    screen(predictor, library, output=tmp_path / "all", config=ScreenConfig(top=1000, domain="ignore"))
    result = screen(predictor, library, output=tmp_path / "parted", config=ScreenConfig(top=top))
    every = rows(tmp_path / "all" / "hits.csv")
    assert not (tmp_path / "all" / "outside.csv").exists()
    told = predictor.predict([hit["smiles"] for hit in every], domain=True)
    assert [hit["domain"] for hit in every] == told.domain[:, 0].tolist()
    assert {hit["domain"] for hit in every} >= {"inside", "outside"}
    assert all(bool(hit["domain_reason"]) == (hit["domain"] != "inside" or known(hit)) for hit in every)
    inside = [hit["id"] for hit in every if hit["domain"] != "outside"]
    cut = next((i for i, hit in enumerate(every) if hit["id"] in inside[top - 1 :]), len(every))
    outside = [hit["id"] for hit in every[:cut] if hit["domain"] == "outside"][:top]
    path = tmp_path / "parted" / "outside.csv"
    assert [hit["id"] for hit in rows(tmp_path / "parted" / "hits.csv")] == inside[:top]
    assert ([hit["id"] for hit in rows(path)] if outside else path.exists()) == (outside or False)
    assert (len(result.hits), len(result.outside)) == (len(inside[:top]), len(outside))
    if outside:
        assert list(rows(path)[0]) == HITS_COLUMNS
        assert [hit["rank"] for hit in rows(path)] == [str(rank) for rank in range(1, len(outside) + 1)]
    summary = json.loads((tmp_path / "parted" / "summary.json").read_text())
    assert summary["hits"] == {"written": len(result.hits), "outside_domain": len(result.outside)}
    assert summary["diversity"] is None


def test_a_library_of_another_chemistry(predictor, tmp_path):
    (tmp_path / "library.smi").write_text("[Co+3] metal\nCCO ethanol\nOCC again\nC1CCCCC1 ring\n")
    result = screen(predictor, tmp_path / "library.smi", output=tmp_path / "hits")
    assert (len(result.hits), len(result.outside)) == (0, 3)
    assert rows(tmp_path / "hits" / "hits.csv") == []
    assert {hit["id"] for hit in rows(tmp_path / "hits" / "outside.csv")} == {"metal", "ethanol", "ring"}
    assert {hit["domain"] for hit in rows(tmp_path / "hits" / "outside.csv")} == {"outside"}


def test_what_rdkit_wrote_and_cannot_read(predictor, tmp_path, monkeypatch):
    broken = predictor_module.parse_smiles("bad")
    monkeypatch.setattr(predictor_module, "parse_smiles", lambda _text: broken)
    (tmp_path / "library.smi").write_text("CC[NH3+].[Cl-] salt\n")
    result = screen(predictor, tmp_path / "library.smi", output=tmp_path / "hits", config=ScreenConfig(domain="ignore"))
    assert [hit["id"] for hit in result.hits] == ["salt"]


@pytest.mark.parametrize("top", [1, 7, 60])
def test_fewer_hits_are_the_first_of_more(predictor, library, tmp_path, monkeypatch, top):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    screen(predictor, library, output=tmp_path / "all", config=ScreenConfig(top=1000))
    result = screen(predictor, library, output=tmp_path / "few", config=ScreenConfig(top=top))
    assert len(result.hits) == top
    assert rows(tmp_path / "few" / "hits.csv") == rows(tmp_path / "all" / "hits.csv")[:top]
    assert contents(tmp_path / "few")["rejected.csv"] == contents(tmp_path / "all")["rejected.csv"]


def test_alerts_and_drug_likeness(predictor, tmp_path):
    (tmp_path / "library.smi").write_text("O=C1C=CC(=O)C=C1 quinone\nCC(=O)Oc1ccccc1C(=O)O aspirin\n")

    def told(name, **options):
        screen(
            predictor, tmp_path / "library.smi", output=tmp_path / name, config=ScreenConfig(domain="ignore", **options)
        )
        return {hit["id"]: hit for hit in rows(tmp_path / name / "hits.csv")}

    hits = told("hits")
    assert hits["quinone"]["alerts"] == "pains: quinone_A(370); brenk: chinone_1"
    assert hits["aspirin"]["alerts"] == "brenk: phenol_ester"
    assert float(hits["aspirin"]["qed"]) == pytest.approx(0.55, abs=0.01)
    assert (hits["aspirin"]["lipinski_violations"], hits["aspirin"]["sa_score"]) == ("0", "1.58004")
    assert told("pains", alerts=["pains"])["aspirin"]["alerts"] == ""
    assert not {*QUALITY_COLUMNS} & {*told("none", alerts=[])["aspirin"]}
    with pytest.raises(InputError, match="alerts names 'zinc'; choose of pains, brenk, nih, chembl"):
        told("wrong", alerts=["zinc"])


@pytest.mark.parametrize("rule", ["maxmin", "scaffold", "cluster"])
def test_hits_that_differ(predictor, library, tmp_path, rule):
    options = {"top": 60, "domain": "ignore", "diverse": 9, "diverse_by": rule}
    result = screen(predictor, library, output=tmp_path / "hits", config=ScreenConfig(**options))
    hits, picked = rows(tmp_path / "hits" / "hits.csv"), rows(tmp_path / "hits" / "diverse.csv")
    report = result.diversity
    assert (report.picked, len(picked), picked[0]["id"]) == (9, 9, hits[0]["id"])
    assert json.loads((tmp_path / "hits" / "summary.json").read_text())["diversity"] == vars(report)
    assert report.expected >= 0.8 * report.expected_plain > 0
    assert report.counts == f"with pIC50 >= {float(hits[8]['pIC50_pred']):g}"
    assert {hit["id"] for hit in picked} <= {hit["id"] for hit in hits[: report.of_best]}
    assert list(picked[0]) == list(hits[0])
    assert [hit["rank"] for hit in picked] == [str(rank) for rank in range(1, 10)]
    by_id = {hit["id"]: hit for hit in hits}
    assert all({**by_id[hit["id"]], "rank": ""} == {**hit, "rank": ""} for hit in picked)
    scaffolds = {murcko_scaffold(hit["smiles"]) for hit in hits[: report.of_best]}
    if rule == "scaffold":
        assert len({murcko_scaffold(hit["smiles"]) for hit in picked}) == min(9, len(scaffolds))
    for wrong in (0, 61):
        with pytest.raises(InputError, match=rf"diverse is {wrong}; it must lie between 1 and top, which is 60"):
            screen(predictor, library, output=tmp_path / "none", config=ScreenConfig(**{**options, "diverse": wrong}))
    with pytest.raises(InputError, match="diverse_by is 'random'; it must be one of 'maxmin', 'scaffold'"):
        screen(predictor, library, output=tmp_path / "none", config=ScreenConfig(**{**options, "diverse_by": "random"}))


def test_ties_are_broken_by_row(predictor, tmp_path):
    (tmp_path / "library.csv").write_text("smiles,id\n" + "".join(f"[{n}CH4],iso{n}\n" for n in range(18, 40)))
    screen(predictor, tmp_path / "library.csv", output=tmp_path / "hits", config=ScreenConfig(top=5, domain="ignore"))
    hits = rows(tmp_path / "hits" / "hits.csv")
    assert len({hit["score"] for hit in hits}) == 1  # the features tell such heavy isotopes not apart
    assert [hit["id"] for hit in hits] == [f"iso{n}" for n in range(18, 23)]


def test_library_that_is_the_training_file(predictor, assay_table, tmp_path):
    result = screen(predictor, assay_table, output=tmp_path / "hits", config=ScreenConfig(keep_columns=["pIC50"]))
    hits = rows(tmp_path / "hits" / "hits.csv")
    assert (len(result.hits), len(result.outside), len(hits)) == (60, 0, 60)  # what was measured is inside
    for hit in hits:
        assert hit["in_training"] == "true"
        assert hit["nearest_similarity"] == "1"
        assert float(hit["nearest_value"]) == float(hit["pIC50"])
        assert hit["nearest_id"] == hit["id"]


def test_model_without_structures_and_with_classes(mixed_folder, assay_table, tmp_path):
    output = tmp_path / "hits"
    result = screen(
        mixed_folder,
        assay_table,
        output=output,
        config=ScreenConfig(goal="active", top=10, level=0.7),
        compute=ComputeConfig(device="cpu"),
    )
    hits = rows(output / "hits.csv")
    assert result.goal == "maximize active"
    assert len(hits) == 10
    assert len(result.outside) == 0  # each lies where a training compound lies
    for hit in hits:
        assert {hit[name] for name in ("in_training", *HITS_COLUMNS[-4:])} == {""}
        assert hit["domain"] == "inside"
        assert hit["active_call"] in {"active", "inactive", "uncertain", "atypical"}
        assert 0 < float(hit["active_pred"]) < 1
        assert hit["score"] == hit["active_pred"]
    best = [float(hit["active_pred"]) for hit in hits]
    assert best == sorted(best, reverse=True)


def test_less_can_be_better(predictor, library, tmp_path):
    screen(
        predictor,
        library,
        output=tmp_path / "hits",
        config=ScreenConfig(goal="minimize pIC50", top=1000, domain="ignore"),
    )
    hits = rows(tmp_path / "hits" / "hits.csv")
    values = [float(hit["pIC50_pred"]) for hit in hits]
    assert values == sorted(values)
    assert [float(hit["score"]) for hit in hits] == values
    assert {hit["ranked_by"] for hit in hits} == {"minimize pIC50"}


def test_kept_columns_keep_their_names_where_they_can(predictor, tmp_path):
    (tmp_path / "library.csv").write_text('smiles,id,price,rank,note\nCCO,=2+2,5.50,first,"a, b"\nCCN,n,6,second,=x\n')
    screen(predictor, tmp_path / "library.csv", output=tmp_path / "hits", config=ScreenConfig(keep_columns=["rank", "note", "price"], domain="ignore"))  # fmt: skip
    hits = {hit["smiles"]: hit for hit in rows(tmp_path / "hits" / "hits.csv")}
    assert list(hits["CCO"])[:7] == ["rank", "id", "smiles", "duplicate_ids", "input_rank", "note", "price"]
    assert (hits["CCO"]["input_rank"], hits["CCO"]["note"], hits["CCO"]["price"]) == ("first", "a, b", "5.50")
    assert (hits["CCO"]["id"], hits["CCN"]["note"]) == ("'=2+2", "'=x")  # a spreadsheet would run them


def test_summary_tells_all(model_folder, library, tmp_path):
    result = screen(
        model_folder,
        library,
        output=tmp_path / "hits",
        config=ScreenConfig(top=3, level=0.8),
        compute=ComputeConfig(device="cpu", precision="float32"),
    )

    def refuse(constant):
        raise AssertionError(constant)

    summary = json.loads((tmp_path / "hits" / "summary.json").read_text(), parse_constant=refuse)
    assert summary["format_version"] == 3
    assert summary["molgraph_version"] == __version__
    counts = {"read": 107, "scored": 103, "rejected": 2, "duplicates": 2, "duplicates_are_complete": True}
    assert summary["rows"] == counts
    assert summary["hits"]["written"] == 3
    timing = json.loads((tmp_path / "hits" / "timing.json").read_text(), parse_constant=refuse)
    assert timing["seconds"] == round(result.seconds, 3) > 0
    assert timing["molecules_per_second"] == pytest.approx(107 / result.seconds, abs=0.1)
    assert (timing["processes"], timing["rows_done_before"]) == (1, 0)
    (about,) = summary["models"]
    assert about["sha256"] == model_hash(model_folder)
    assert about["members"] == 2
    assert [task["name"] for task in about["tasks"]] == ["pIC50"]
    assert summary["settings"] == {
        "library": str(library),
        "top": 3,
        "goal": "maximize pIC50",
        "profile": None,
        "hit": None,
        "fdr": None,
        "fdr_method": None,
        "level": 0.8,
        "domain": "separate",
        "nearest": 1,
        "nearest_by": "structure",
        "smiles_column": "smiles",
        "id_column": "name",
        "keep_columns": [],
        "alerts": ["pains", "brenk"],
        "diverse": None,
        "diverse_by": None,
        "device": "cpu",
        "precision": "float32",
    }
    assert len(result.hits) == 3
    assert result.hits["id"] == [row["id"] for row in rows(tmp_path / "hits" / "hits.csv")]


def test_nothing_usable_is_an_error(predictor, tmp_path):
    (tmp_path / "library.csv").write_text("smiles\nbad\nworse\nbad\n")
    with pytest.raises(
        InputError,
        match=r"no row gives a molecule .'bad': cannot read the structure.*SMILES Parse Error: .*; is 'smiles' the",
    ):
        screen(predictor, tmp_path / "library.csv", output=tmp_path / "hits")
    assert names(tmp_path) == ["library.csv"]


def test_memory_holds_a_few_times_the_hits_at_most(predictor, library, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 4)
    sizes = []
    take = ScreenState.take

    def watched(run, *arguments):
        run.top.pool_limit = 20
        take(run, *arguments)
        sizes.append(len(run.top._pool))
        hits = [entry.payload for entry in run.top._pool]
        # A view of a batch would keep all of its arrays in memory.
        assert all(array.base is None for hit in hits for array in (hit.mean, hit.std, hit.lower, hit.upper))

    monkeypatch.setattr(ScreenState, "take", watched)
    screen(predictor, library, output=tmp_path / "hits", config=ScreenConfig(top=5))
    assert max(sizes) < 20


def test_memory_sets_the_processes(model_folder, library, tmp_path):
    screen(model_folder, library, output=tmp_path / "hits", compute=ComputeConfig(processes=4, memory=1.4))
    assert json.loads((tmp_path / "hits" / "timing.json").read_text())["processes"] == 2
    with pytest.raises(InputError, match=r"memory is 0\.5 GB; one process alone may take 0\.8 GB"):
        screen(model_folder, library, output=tmp_path / "others", compute=ComputeConfig(memory=0.5))


def test_progress_reaches_the_end(predictor, library, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 16)
    seen = []
    screen(predictor, library, output=tmp_path / "hits", on_progress=seen.append)
    assert [progress.rows for progress in seen] == [16, 32, 48, 64, 80, 96, 107]
    assert (seen[-1].rejected, seen[-1].bytes_read) == (2, library.stat().st_size)


def test_processes_do_not_show(model_folder, library, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    monkeypatch.setattr(stream.Workers, "n_ready", 1)  # or all would be done before the worker process is there
    for processes in (1, 2):
        screen(
            model_folder,
            library,
            output=tmp_path / str(processes),
            config=ScreenConfig(top=20),
            compute=ComputeConfig(device="cpu", processes=processes),
        )
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    one, two = (json.loads((tmp_path / str(n) / "timing.json").read_text()) for n in (1, 2))
    assert (one["processes"], two["processes"]) == (1, 2)


# Failures leave nothing.


def test_killed_workers_do_not_show(model_folder, library, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    screen(model_folder, library, output=tmp_path / "whole", compute=ComputeConfig(device="cpu"))
    monkeypatch.setattr(stream.Workers, "n_ready", 1)  # or all would be done before the worker process is there
    kills = 0

    def kill(_progress):
        nonlocal kills
        for worker in active_children() if kills < 2 else []:
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
            kills += 1
        time.sleep(0.1)

    screen(
        model_folder,
        library,
        output=tmp_path / "hits",
        compute=ComputeConfig(device="cpu", processes=2),
        on_progress=kill,
    )
    assert kills == 2
    assert contents(tmp_path / "hits") == contents(tmp_path / "whole")
    assert active_children() == []
    assert "Traceback" not in capfd.readouterr().err


def test_workers_that_always_die_end_the_screen(model_folder, library, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    monkeypatch.setattr(stream.Workers, "n_ready", 1)
    monkeypatch.setattr(stream, "_MOST_DEATHS", 0)

    def kill(_progress):
        for worker in active_children():
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
        time.sleep(0.2)

    with pytest.raises(WorkerError, match="worker processes died or hung, 1 in all") as caught:
        screen(
            model_folder,
            library,
            output=tmp_path / "hits",
            compute=ComputeConfig(device="cpu", processes=2),
            on_progress=kill,
        )
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["library.smi"]
    assert active_children() == []
    assert "Traceback" not in capfd.readouterr().err


def test_an_interrupted_screen_leaves_nothing(predictor, library, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)

    def interrupt(progress):
        if progress.rows > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        screen(predictor, library, output=tmp_path / "hits", on_progress=interrupt)
    assert names(tmp_path) == ["library.smi"]


def test_a_library_cut_short_leaves_nothing(predictor, assay, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    whole = gzip.compress("\n".join(assay[0]).encode())
    (tmp_path / "library.smi.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"library\.smi\.gz"):
        screen(predictor, tmp_path / "library.smi.gz", output=tmp_path / "hits")
    assert names(tmp_path) == ["library.smi.gz"]


def test_an_existing_folder_is_kept_or_replaced(predictor, library, tmp_path):
    (tmp_path / "hits").mkdir()
    (tmp_path / "hits" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        screen(predictor, library, output=tmp_path / "hits")
    assert names(tmp_path / "hits") == ["notes.txt"]
    with pytest.raises(InputError, match=r"would delete notes\.txt"):
        screen(predictor, library, output=tmp_path / "hits", overwrite=True)
    assert names(tmp_path / "hits") == ["notes.txt"]
    (tmp_path / "hits" / "notes.txt").unlink()
    screen(predictor, library, output=tmp_path / "hits")
    first = (tmp_path / "hits" / "hits.csv").read_bytes()
    screen(predictor, library, output=tmp_path / "hits", config=ScreenConfig(top=1), overwrite=True)
    assert (tmp_path / "hits" / "hits.csv").read_bytes() != first
    assert names(tmp_path) == ["hits", "library.smi"]


def test_every_file_of_a_screen_may_be_replaced_by_the_next(predictor, library, tmp_path):
    everything = ScreenConfig(hit="pIC50 >= 6", fdr=0.5, diverse=2)
    screen(predictor, library, output=tmp_path / "hits", config=everything, overwrite=True)
    assert {"diverse.csv", "selected.csv", "rejected.csv"} <= {*names(tmp_path / "hits")}
    screen(predictor, library, output=tmp_path / "hits", config=everything, overwrite=True)


def test_a_folder_with_the_name_of_the_state_is_left_alone(predictor, library, tmp_path):
    (tmp_path / "hits.partial").mkdir()
    (tmp_path / "hits.partial" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"hits\.partial: to replace the folder would delete notes\.txt"):
        screen(predictor, library, output=tmp_path / "hits", overwrite=True)
    assert names(tmp_path / "hits.partial") == ["notes.txt"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"top": 0}, "top is 0"),
        ({"level": 1.0}, "level is 1.0"),
        ({"domain": "inside"}, "domain is 'inside'; it must be one of 'separate', 'ignore'"),
        ({"goal": "potency"}, "potency"),
        ({"goal": "pIC50, active"}, "must be a task of the model"),
        ({"goal": "maximise pIC50"}, "maximize or minimize"),
        ({"keep_columns": ["price"]}, "price"),
        ({"smiles_column": "structure"}, "structure"),
    ],
)
def test_wrong_options(predictor, library, tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        screen(predictor, library, output=tmp_path / "hits", config=ScreenConfig(**options))
    assert names(tmp_path) == ["library.smi"]


def test_a_goal_is_needed_with_several_tasks(mixed_folder, library, tmp_path):
    with pytest.raises(InputError, match="say which ranks"):
        screen(mixed_folder, library, output=tmp_path / "hits", compute=ComputeConfig(device="cpu"))
    with pytest.raises(ModelError, match="does not exist"):
        screen(tmp_path / "no model", library, output=tmp_path / "hits", compute=ComputeConfig(device="cpu"))
    with pytest.raises(InputError, match="missing"):
        screen(mixed_folder, tmp_path / "missing.smi", output=tmp_path / "hits", compute=ComputeConfig(device="cpu"))
    assert names(tmp_path) == ["library.smi"]


def test_bfloat16_is_close(model_folder, library, assay, tmp_path):
    for precision in ("float32", "bfloat16"):
        output = tmp_path / precision
        screen(
            model_folder,
            library,
            output=output,
            config=ScreenConfig(top=1000, domain="ignore"),
            compute=ComputeConfig(device="cpu", precision=precision),
        )
    exact, fast = (
        {hit["id"]: float(hit["score"]) for hit in rows(tmp_path / precision / "hits.csv") if "eth" not in hit["id"]}
        for precision in ("float32", "bfloat16")
    )
    assert exact.keys() == fast.keys()
    assert max(abs(exact[name] - fast[name]) for name in exact) < 0.05 * assay[1].std()

"""Selection at a false discovery rate, from the library to `selected.csv`."""

import csv
import io
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph import ModelConfig, Predictor, TrainConfig, screen, train
from molgraph.chem.identity import canonical_smiles
from molgraph.chem.scaffold import murcko_scaffold
from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.errors import InputError
from molgraph.prediction.shift_sample import Sample
from molgraph.rank.parse_hit import parse_hit
from molgraph.rank.selection import benjamini_hochberg
from molgraph.screening import plan
from molgraph.screening import screen as screen_module
from molgraph.screening.candidates import CandidateFile, candidate_file
from molgraph.screening.hit import Hit

HIT = "pIC50 >= 7"
RATE = 0.3


@pytest.fixture(scope="module")
def folder(assay, tmp_path_factory):
    """A model that knows something: of 450 compounds of the assay."""
    table = tmp_path_factory.mktemp("selection") / "assay.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["smiles", "pIC50"])
        writer.writerows(zip(assay[0][:450], assay[1][:450], strict=True))
    config = TrainConfig(
        learner="network", model=ModelConfig(hidden=48, head_hidden=48), folds=3, epochs=40, batch_size=16, device="cpu"
    )
    train(table, output=table.parent / "model", target_columns=["pIC50"], config=config)
    return table.parent / "model"


@pytest.fixture(scope="module")
def predictor(folder):
    return Predictor.load(folder, device="cpu")


@pytest.fixture(scope="module")
def library(assay, tmp_path_factory):
    """300 new compounds; good training compounds, other chemistry, and good new ones in other spellings."""
    best = np.argsort(-assay[1][:450])[:20]
    best_new = 450 + np.argsort(-assay[1][450:750])[:40]
    texts = [*assay[0][450:750], *(assay[0][i] for i in best), "CCO", "c1ccccc1", "[Co+3]", "bad"]
    texts += [str(canonical_smiles(assay[0][i])) for i in best_new]
    path = tmp_path_factory.mktemp("selection") / "library.smi"
    path.write_text("".join(f"{text} cpd{450 + row}\n" for row, text in enumerate(texts)))
    return path


@pytest.fixture(scope="module")
def truth(assay):
    """What is measured of the compounds with these ids; those of another spelling have their own."""
    return {f"cpd{row}": assay[1][row] for row in range(450, 750)}


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected_p_values(predictor, texts):
    """The formula of conformal selection, compound by compound, with the score of one condition."""
    data, scale = predictor.calibration.data, predictor.calibration.residual_std[0]
    in_domain = predictor.calibration_in_domain
    known = (data.mean[in_domain, 0] - 7) / scale
    is_miss = data.labels.values[in_domain, 0] < 7
    prediction = predictor.predict(texts, domain=True)
    new = ((prediction.members[:, :, 0] - 7) / scale).mean(axis=0)
    p = np.array([(1 + np.sum(is_miss & (known >= value))) / (len(known) + 1) for value in new])
    return np.where(prediction.is_outside | np.isnan(new), np.nan, p)


@pytest.mark.parametrize("batch_size", [7, 512])
def test_selects_what_the_procedure_selects_of_everything(predictor, library, tmp_path, monkeypatch, batch_size):
    monkeypatch.setattr(screen_module, "BATCH_SIZE", batch_size)
    result = screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(hit=HIT, fdr=RATE, top=1000))
    texts = [line.split()[0] for line in library.read_text().splitlines()]
    p = expected_p_values(predictor, texts)
    is_new = np.arange(len(texts)) < 300
    considered = np.isfinite(p)
    # Training compounds and other spellings cannot be selected, and do not count where they score well enough.
    usable = np.flatnonzero(considered & is_new)
    report = result.selection
    n_dropped = report.in_training + report.repeated
    assert report.n_considered == considered.sum() - n_dropped >= len(usable)
    rest = np.ones(report.n_considered - len(usable))
    chosen = usable[benjamini_hochberg(np.concatenate([p[usable], rest]), RATE)[: len(usable)]]
    assert result.selection.selected == len(chosen) > 20
    selected = rows(tmp_path / "out" / "selected.csv")
    assert {row["id"] for row in selected} == {f"cpd{450 + i}" for i in chosen}
    assert [float(row["p_value"]) for row in selected] == sorted(float(row["p_value"]) for row in selected)
    assert result.selection.threshold == pytest.approx(p[chosen].max())
    chances = [float(row["hit_probability"]) for row in selected]
    assert result.selection.expected_true_hits == pytest.approx(sum(chances), rel=1e-4)
    data = predictor.calibration.data
    least = predictor.predict([texts[i] for i in chosen]).members[:, :, 0].mean(axis=0).min()
    above = data.labels.values[(data.mean[:, 0] >= least) & predictor.calibration_in_domain, 0]
    assert (report.hits_above, report.non_hits_above) == ((above >= 7).sum(), (above < 7).sum())
    assert report.most_false < len(chosen)
    assert {row["selected"] for row in selected} == {"true"}
    for row in rows(tmp_path / "out" / "hits.csv"):
        own = p[int(row["id"].removeprefix("cpd")) - 450]
        if row["in_training"] == "true" or np.isnan(own):
            assert row["p_value"] == ""
        else:
            assert float(row["p_value"]) == pytest.approx(own, rel=1e-5)


def test_what_is_not_selected_though_it_scores_as_well_is_counted(predictor, library, tmp_path):
    report = screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(hit=HIT, fdr=RATE)).selection
    assert report.in_training > 0
    assert report.repeated > 0
    told = " ".join(report.sentences())
    assert f"{report.in_training} training compounds" in told
    assert f"{report.repeated} repeats" in told
    assert f"Selected {report.selected} of {report.n_considered}" in told
    assert f"Expect {report.expected_true_hits:,.0f} true hits among these {report.selected}" in told
    assert f"no more than {report.most_false} of them are no hits" in told
    assert f"{report.non_hits_above} non-hits and {report.hits_above} hits score as well" in told
    assert "over many tables and libraries, counting lists that stay empty as free of error" in told
    assert "at most 30% of the selected are no hits" in told
    assert "does not hold for a rate or a limit that was tried until something came" in told


@pytest.mark.parametrize("method", ["cfbh", "weighted"])
def test_each_compound_is_standardized_once(predictor, library, tmp_path, monkeypatch, method):
    calls = Counter()
    standardized = Predictor.standardized

    def counted(self, smiles):
        calls.update(smiles)
        return standardized(self, smiles)

    if method == "weighted":  # what is read before the screen, to weigh the calibration compounds, is counted apart
        ratio = plan.weigh_calibration

        def weighed(*arguments, **named):
            result = ratio(*arguments, **named)
            calls.clear()
            return result

        monkeypatch.setattr(plan, "weigh_calibration", weighed)
    monkeypatch.setattr(Predictor, "standardized", counted)
    config = ScreenConfig(hit=HIT, fdr=RATE, fdr_method=method, top=60, diverse=10)
    result = screen(predictor, library, output=tmp_path / "out", config=config)
    assert result.selection.selected > 20
    assert result.diversity.picked == 10
    listed = {
        row["smiles"] for name in ("hits", "selected", "diverse") for row in rows(tmp_path / "out" / f"{name}.csv")
    }
    assert listed <= {*calls}
    assert set(calls.values()) == {1}


def test_most_of_what_is_selected_is_a_hit(predictor, library, truth, tmp_path):
    screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(hit=HIT, fdr=RATE))
    selected = rows(tmp_path / "out" / "selected.csv")
    wrong = np.mean([truth[row["id"]] < 7 for row in selected])
    assert sum(float(row["hit_probability"]) for row in selected) == pytest.approx((1 - wrong) * len(selected), rel=0.2)
    everything = np.mean([value < 7 for value in truth.values()])
    assert wrong < 0.4 < everything  # a single list may miss its rate; how lists do on average is tested elsewhere


def test_all_that_is_selected_is_written_whatever_the_length_of_the_hit_list(predictor, library, tmp_path):
    result = screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(hit=HIT, fdr=RATE, top=3))
    assert len(rows(tmp_path / "out" / "hits.csv")) == 3
    assert len(rows(tmp_path / "out" / "selected.csv")) == result.selection.selected > 3


def test_workers_give_the_same(folder, library, tmp_path, monkeypatch):
    monkeypatch.setattr(screen_module, "BATCH_SIZE", 50)
    for processes in (1, 2):
        compute = ComputeConfig(processes=processes, device="cpu", precision="float32")
        config = ScreenConfig(hit=HIT, fdr=RATE)
        screen(folder, library, output=tmp_path / str(processes), config=config, compute=compute)
    for name in ("hits.csv", "selected.csv", "outside.csv"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_summary_holds_selection_and_shift(predictor, library, tmp_path):
    result = screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(hit=HIT))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["selection"] == json.loads(json.dumps(vars(result.selection)))
    assert summary["selection"]["fdr"] == summary["settings"]["fdr"] == 0.1
    assert summary["settings"]["hit"] == HIT
    assert summary["shift"]["fires"] is False
    assert summary["shift"]["n_calibration"] == 450
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")) == []


def test_another_library_is_noticed(predictor, assay, tmp_path):
    order = np.argsort([text.count("N") for text in assay[0][450:]], kind="stable")
    (tmp_path / "library.smi").write_text("".join(f"{assay[0][450 + i]}\n" for i in order[:150]))
    result = screen(predictor, tmp_path / "library.smi", output=tmp_path / "out", config=ScreenConfig(hit=HIT))
    assert result.shift.fires


def test_the_goal_may_rank_and_the_hit_select(predictor, library, tmp_path):
    screen(
        predictor,
        library,
        output=tmp_path / "out",
        config=ScreenConfig(hit=HIT, fdr=RATE, goal="minimize pIC50", top=10),
    )
    hits = rows(tmp_path / "out" / "hits.csv")
    assert [float(row["score"]) for row in hits] == [float(row["pIC50_pred"]) for row in hits]
    assert {row["selected"] for row in hits} == {"false"}
    assert len(rows(tmp_path / "out" / "selected.csv")) > 10


def test_small_is_a_hit_too(predictor, library, truth, tmp_path):
    screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(hit="pIC50 < 7", fdr=RATE))
    selected = rows(tmp_path / "out" / "selected.csv")
    assert np.mean([truth[row["id"]] < 7 for row in selected]) > 0.6
    predictions = [float(row["pIC50_pred"]) for row in rows(tmp_path / "out" / "hits.csv")]
    assert predictions == sorted(predictions)


def test_none_selected_is_said_with_the_reason(predictor, library, tmp_path):
    result = screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(hit="pIC50 >= 8.9", fdr=0.01))
    assert result.selection.selected == 0
    assert result.selection.threshold is None
    assert not (tmp_path / "out" / "selected.csv").exists()
    told = " ".join(result.selection.sentences())
    assert "Selected none" in told
    assert f"no fewer than {result.selection.least_selection}" in told
    assert "Ask for a higher `fdr`" in told or "would select about" in told
    assert "hits among the best 50 of the list all the same" in told


def test_where_nothing_is_selected_what_would_be_is_told_and_comes_true(predictor, assay, tmp_path):
    (tmp_path / "new.smi").write_text("".join(f"{text} cpd{i}\n" for i, text in enumerate(assay[0][450:750])))
    options = {"domain": "ignore", "alerts": [], "fdr": 0.1}
    report = screen(
        predictor, tmp_path / "new.smi", output=tmp_path / "none", config=ScreenConfig(hit=HIT, **options)
    ).selection
    assert report.selected == 0
    (rate, n_by_rate), (easier, n_by_hit) = report.lowest_rate, report.easier_hit
    told = " ".join(report.sentences())
    assert f"`fdr={rate:g}` would select about {n_by_rate}, and `hit='{easier}'` would select about {n_by_hit}" in told
    assert "choosing by looking like this, the rate is not held" in told
    n_best, expected = report.expected_of_best
    assert f"Expect {expected:.1f} hits among the best 50 of the list" in told
    best = rows(tmp_path / "none" / "hits.csv")[:50]
    assert n_best == 50
    assert expected == pytest.approx(sum(float(row["hit_probability"]) for row in best), rel=1e-4)
    screens = ({"hit": HIT, "fdr": rate}, {"hit": easier, "fdr": 0.1})
    for number, (own, expected_count) in enumerate(zip(screens, (n_by_rate, n_by_hit), strict=True)):
        found = screen(
            predictor, tmp_path / "new.smi", output=tmp_path / str(number), config=ScreenConfig(**{**options, **own})
        ).selection
        assert found.selected >= expected_count > 0
        assert found.lowest_rate is found.easier_hit is None
        assert found.selected < expected_count + 10


def test_nothing_in_the_domain(predictor, tmp_path):
    (tmp_path / "library.smi").write_text("CCO\n[Co+3]\n")
    result = screen(predictor, tmp_path / "library.smi", output=tmp_path / "out", config=ScreenConfig(hit=HIT))
    assert result.selection.n_considered == 0
    assert not result.shift.was_checked
    told = " ".join(result.selection.sentences())
    assert "Selected none: no row of the library is new" in told
    assert "With `domain='ignore'` all 2 rows are considered" in told


def test_weighted(predictor, library, tmp_path):
    result = screen(
        predictor, library, output=tmp_path / "out", config=ScreenConfig(hit=HIT, fdr=0.5, fdr_method="weighted")
    )
    report = result.selection
    assert report.selected > 0
    assert 100 < report.effective_calibration < 450
    assert f"worth {report.effective_calibration:,.0f}" in " ".join(report.sentences())
    selected = rows(tmp_path / "out" / "selected.csv")
    assert len(selected) == report.selected
    assert all(float(row["p_value"]) <= 0.5 for row in selected)
    screen(predictor, library, output=tmp_path / "again", config=ScreenConfig(hit=HIT, fdr=0.5, fdr_method="weighted"))
    assert (tmp_path / "again" / "selected.csv").read_bytes() == (tmp_path / "out" / "selected.csv").read_bytes()


def test_diverse(predictor, library, tmp_path):
    screen(predictor, library, output=tmp_path / "all", config=ScreenConfig(hit=HIT, fdr=RATE))
    screen(predictor, library, output=tmp_path / "few", config=ScreenConfig(hit=HIT, fdr=RATE, fdr_method="diverse"))
    everything, few = (rows(tmp_path / name / "selected.csv") for name in ("all", "few"))
    assert {row["id"] for row in few} <= {row["id"] for row in everything}
    assert 0 < len(few) <= len(everything)
    kinds = [len({str(murcko_scaffold(row["smiles"])) for row in part}) for part in (everything, few)]
    assert kinds[1] == min(kinds[0], len(few))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fdr": 0.1}, "needs a hit"),
        ({"fdr_method": "diverse"}, "needs a hit"),
        ({"hit": HIT, "fdr": 0.0}, "fdr is 0"),
        ({"hit": HIT, "fdr": 1.0}, "between 0 and 1"),
        ({"hit": HIT, "fdr": float("nan")}, "fdr is nan"),
        ({"hit": HIT, "fdr_method": "bh"}, "one of 'cfbh', 'weighted', 'diverse'"),
        ({"hit": "pKi > 3"}, "a task of the model"),
        ({"hit": "pIC50 > 99"}, r"of the 4\d\d calibration compounds.*none of them is.*was measured from"),
        ({"hit": HIT, "fdr": 0.001}, r"at least 999 calibration compounds, and the model has 4\d\d"),
        ({"hit": HIT, "nearest": 0}, "nearest is 0"),
        ({"hit": HIT, "nearest_by": "name"}, "nearest_by is 'name'; it must be one of 'structure', 'model'"),
    ],
)
def test_what_cannot_be_asked(predictor, library, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(**options))
    assert not (tmp_path / "out").exists()


def test_weights_need_a_file_and_structures(predictor, mixed_folder, library, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(library.read_bytes())))
    with pytest.raises(InputError, match="standard input can be read once"):
        screen(predictor, "-", output=tmp_path / "out", config=ScreenConfig(hit=HIT, fdr_method="weighted"))
    with pytest.raises(InputError, match="without its structures"):
        screen(
            mixed_folder,
            library,
            output=tmp_path / "out",
            config=ScreenConfig(hit="pIC50 >= 6", fdr=0.5, fdr_method="weighted"),
        )
    (tmp_path / "few.smi").write_text("CCO\nCCC\n")
    with pytest.raises(InputError, match="0 of 2 sampled rows"):
        screen(
            predictor,
            tmp_path / "few.smi",
            output=tmp_path / "out",
            config=ScreenConfig(hit=HIT, fdr_method="weighted"),
        )


def test_a_model_without_structures_selects_and_says_nothing_of_shift(mixed_folder, library, tmp_path):
    result = screen(
        mixed_folder, library, output=tmp_path / "out", config=ScreenConfig(hit="pIC50 >= 6 and active", fdr=0.5)
    )
    assert result.shift is None
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["shift"] is None
    assert result.selection.hit == "pIC50 >= 6 and active = 1"


def test_several_neighbours_are_shown(predictor, library, tmp_path):
    screen(predictor, library, output=tmp_path / "out", config=ScreenConfig(nearest=3, top=5))
    for row in rows(tmp_path / "out" / "hits.csv"):
        similarity = [float(row[f"{name}_similarity"]) for name in ("nearest", "nearest_2", "nearest_3")]
        assert similarity == sorted(similarity, reverse=True)
        assert len({row[f"{name}_id"] for name in ("nearest", "nearest_2", "nearest_3")}) == 3


def test_neighbours_may_be_those_of_the_model(predictor, library, tmp_path):
    for by in ("structure", "model"):
        screen(predictor, library, output=tmp_path / by, config=ScreenConfig(nearest=2, nearest_by=by, top=20))
    found = {by: rows(tmp_path / by / "hits.csv") for by in ("structure", "model")}
    shown = ("nearest_id", "nearest_smiles", "nearest_similarity", "nearest_value")
    own = {*shown, *(name.replace("nearest", "nearest_2") for name in shown)}
    for one, other in zip(*found.values(), strict=True):
        assert {key: one[key] for key in one if key not in own} == {key: other[key] for key in other if key not in own}
        assert float(one["nearest_similarity"]) >= float(other["nearest_similarity"])
    assert [row["nearest_id"] for row in found["structure"]] != [row["nearest_id"] for row in found["model"]]


def test_bounds_tell_of_calibration_compounds_whether_they_are_hits(assay, library, tmp_path):
    """What is known as <6 alone is no hit at 7, and counts; what is known as >6.5 may be one, and does not."""
    texts, values = assay[0][:450], assay[1][:450]
    is_low, is_high = values < 6, (values > 6.5) & (np.arange(450) % 4 == 0)
    cells = [
        "<6" if low else ">6.5" if high else value for value, low, high in zip(values, is_low, is_high, strict=True)
    ]
    with (tmp_path / "assay.csv").open("w", newline="") as file:
        named = [(f"row{i}", text, cell) for i, (text, cell) in enumerate(zip(texts, cells, strict=True))]
        csv.writer(file).writerows([("id", "smiles", "pIC50"), *named])
    model = train(
        tmp_path / "assay.csv", output=tmp_path / "model", config=TrainConfig(learner="gp_embedding", folds=3)
    )
    found = screen(
        model,
        library,
        output=tmp_path / "hits",
        config=ScreenConfig(hit=HIT, fdr=0.3),
        compute=ComputeConfig(device="cpu"),
    ).selection
    is_inside = model.calibration_in_domain  # of what lies outside the domain nothing is selected, and nothing counts
    assert 0.9 * 450 < is_inside.sum() < 450
    assert found.n_calibration == int((~is_high & is_inside).sum())
    assert found.n_calibration_hits == int(((values >= 7) & ~is_high & is_inside).sum())
    hits = rows(tmp_path / "hits" / "hits.csv")
    measured = dict(zip((f"row{i}" for i in range(450)), cells, strict=True))
    for hit in hits:
        told = measured[hit["nearest_id"]]
        assert hit["nearest_value"] == (told if isinstance(told, str) else f"{told:.6g}")
    assert ">6.5" in {hit["nearest_value"] for hit in hits}
    hit = next(hit for hit in hits if hit["p_value"])
    data = model.calibration.data
    known = (data.mean[:, 0] - 7) / model.calibration.residual_std[0]
    is_miss = (is_low | ((values < 7) & ~is_high)) & is_inside
    expected = (1 + (known[is_miss] >= float(hit["score"])).sum()) / (found.n_calibration + 1)
    assert float(hit["p_value"]) == pytest.approx(expected, rel=1e-4)


def test_rule_and_scores_are_those_of_the_calibration(predictor):
    data = predictor.calibration.data
    rule = parse_hit(HIT, predictor.tasks)
    assert len(data.labels) == 450
    assert 0.1 < np.nanmean(rule.is_hit(data.labels)) < 0.9


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 8))
def test_a_sample_does_not_depend_on_the_batches(sizes, size):
    texts = [str(i) for i in range(sum(sizes))]
    whole, parts = Sample(size), Sample(size)
    whole.offer(whole.draw(texts))
    start = 0
    for length in sizes:
        parts.offer(parts.draw(texts[start : start + length]))
        start += length
    assert parts.texts == whole.texts
    assert len(whole.texts) == min(size, len(texts)) == len(set(whole.texts))


def test_a_sample_is_fair():
    counts = np.zeros(50)
    for library in range(400):
        sample = Sample(10)
        for start in range(0, 50, 7):
            sample.offer(sample.draw([f"{library}-{i}" for i in range(start, min(50, start + 7))]))
        counts[[int(text.partition("-")[2]) for text in sample.texts]] += 1
    assert counts.sum() == 4000
    assert ((counts - 80) ** 2 / 64).sum() < 86  # chi-squared with 49 degrees, exceeded once in 1,000


def test_candidates_come_back_as_they_were(tmp_path):
    hits = [
        Hit(row=row, id="i\n\u2028'\"", smiles="C", score=0.1 * row, mean=np.array([1 / 3, np.nan]), std=np.ones(2),
            lower=np.array([-np.inf, 0.0]), upper=np.array([np.inf, 1.0]), calls=("", "uncertain"), kept=("a,b", ""),
            percentiles=np.array([12.5, np.nan]), domain=("edge", ""),
            hit_score=float(np.float64(1) / 7))
        for row in range(5)
    ]  # fmt: skip
    with candidate_file(tmp_path / "c") as file:
        assert isinstance(file, CandidateFile)
        file.write(hits[:2])
        assert [position for position, _ in file.read(lambda _: True)] == [0, 1]
        file.write(hits[2:])
        found = list(file.read(lambda position: position % 2 == 0))
    assert not (tmp_path / "c").exists()
    assert [position for position, _ in found] == [0, 2, 4]
    for (_, hit), expected in zip(found, hits[::2], strict=True):
        assert repr(hit) == repr(expected)

"""`evaluate` on held-out compounds of the assay."""

import csv
import json
from dataclasses import replace
from xml.etree.ElementTree import parse as parse_xml

import numpy as np
import pytest
import scipy.stats

from molgraph import Predictor, TrainConfig, evaluate, screen, train
from molgraph.config.screening import ScreenConfig
from molgraph.config.uncertainty import UncertaintyConfig
from molgraph.errors import InputError, ModelError
from molgraph.evaluation.evaluate import EVALUATION
from molgraph.evaluation.report import CoverageVerdict, evaluation_values
from molgraph.evaluation.task_metrics import LEVELS
from molgraph.metrics.enrichment import bedroc, enrichment_factor
from molgraph.metrics.scores import score
from molgraph.model_folder.folder import load_card, load_model

REGRESSION = [
    "rmse",
    "mae",
    "r2",
    "spearman",
    "kendall",
    "nll",
    "crps",
    "ence",
    "miscalibration_area",
    "interval_miscalibration",
]
CLASSES = [
    "roc_auc", "average_precision", "mcc", "balanced_accuracy", "brier", "log_loss", "calibration_error"
]  # fmt: skip
EARLY = ["ef_1%", "ef_5%", "bedroc", "log_auc"]


@pytest.fixture(scope="module")
def new_table(assay, tmp_path_factory):
    """120 new compounds, 5 of the training, one twice, one without a label and one that cannot be read."""
    path = tmp_path_factory.mktemp("evaluation") / "new.csv"
    median = np.median(assay[1])
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "smiles", "pIC50", "active"])
        for row in [*range(60, 180), *range(5), 60]:
            writer.writerow([f"cpd-{row}", assay[0][row], assay[1][row], int(assay[1][row] > median)])
        writer.writerow(["open", assay[0][200], "", ""])
        writer.writerow(["bad", "C1CC", "5", "1"])
    return path


@pytest.fixture(scope="module")
def clean_table(new_table):
    """The 120 new compounds alone."""
    path = new_table.parent / "clean.csv"
    path.write_text("".join(new_table.read_text().splitlines(keepends=True)[:121]))
    return path


@pytest.fixture(scope="module")
def predictor(model_folder):
    return Predictor.load(model_folder, device="cpu")


@pytest.fixture(scope="module")
def whole_folder(assay_table, small_config, tmp_path_factory):
    """A model of both tasks with its training structures."""
    folder = tmp_path_factory.mktemp("evaluation") / "both"
    train(assay_table, target_columns=["pIC50", "active"], output=folder, config=small_config)
    return folder


def test_rows_are_accounted_for(predictor, new_table):
    found = evaluate(predictor, new_table)
    assert (found.rows_read, found.used, found.in_training, found.unlabelled, found.merged_away) == (128, 120, 5, 1, 1)
    assert [(row.id, row.row) for row in found.rejected] == [("bad", 127)]
    assert found.rows_read == found.used + found.in_training + found.unlabelled + found.merged_away + 1
    assert found.model == predictor.digest
    assert found.pictures == ()


def test_numbers_are_those_of_the_predictions(predictor, new_table, assay):
    found = evaluate(predictor, new_table, hit="pIC50 > 6.5").tasks[0]
    assert [estimate.metric for estimate in found.estimates] == [*REGRESSION, *EARLY]
    prediction, truth = predictor.predict(assay[0][60:180]), assay[1][60:180]
    for name in REGRESSION[:5]:
        assert found.value(name) == pytest.approx(score(name, truth[:, None], prediction.mean)[0])
    assert found.n_hits == np.sum(truth > 6.5)
    for estimate in found.estimates:
        assert estimate.lower <= estimate.value + 0.2 * abs(estimate.value)
        assert estimate.lower < estimate.upper or estimate.metric == "ef_1%"  # two rows
    reference = {estimate.metric: estimate.reference for estimate in found.estimates}
    assert 0 < (reference.pop("ence", None) or 0.1) < 1
    largest = {name: reference.pop(name) for name in ("ef_1%", "ef_5%") if name in reference}
    assert all(estimate.upper <= largest[estimate.metric] for estimate in found.estimates if estimate.metric in largest)
    assert set(reference.values()) == {None}
    with pytest.raises(KeyError):
        found.value("roc_auc")


@pytest.fixture(scope="module")
def factors(assay, small_config, tmp_path_factory):
    """(a model that learned IC50s in nM as logarithms, a table of 120 others)."""
    folder = tmp_path_factory.mktemp("factors")
    for name, rows in (("old.csv", range(60)), ("new.csv", range(60, 180))):
        lines = [f"{assay[0][row]},{10 ** (9 - assay[1][row]):.6g}" for row in rows]
        (folder / name).write_text("\n".join(["smiles,IC50", *lines]))
    config = replace(small_config, target_scaling="log")
    return train(folder / "old.csv", output=folder / "model", config=config), folder / "new.csv"


def test_errors_of_logarithms_are_evaluated_as_such(factors, assay, tmp_path):
    model, table = factors
    found = evaluate(model, table, output=tmp_path / "out", hit="IC50 <= 100")
    (task,) = found.tasks
    assert task.in_log10
    prediction = model.predict(assay[0][60:180])
    error = (9 - assay[1][60:180]) - np.log10(prediction.mean[:, 0])
    assert task.value("rmse_log10") == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-4)
    assert task.value("median_factor") == pytest.approx(10 ** np.sort(np.abs(error))[59], rel=1e-3)  # half of 120
    spread = prediction.std[:, 0]
    assert task.value("nll") == pytest.approx(-scipy.stats.norm.logpdf(error, scale=spread).mean(), rel=1e-3)
    assert 0.2 < np.sqrt(np.mean(spread**2)) / task.value("rmse_log10") < 5
    kept = json.loads((tmp_path / "out" / EVALUATION).read_text())["tasks"][0]
    assert kept["in_log10"] is True
    shown = {text.text for text in parse_xml(tmp_path / "out" / "parity.svg").iter("{http://www.w3.org/2000/svg}text")}
    assert {"100", "1000", "10000"} <= shown


def test_bounds_count_where_they_tell_what_is_a_hit(factors, assay, tmp_path):
    model, _ = factors
    values = 10 ** (9 - assay[1][60:180])
    cells = [f">{3000 if row % 2 else 30}" if value > 3000 else f"{value:.6g}" for row, value in enumerate(values)]
    lines = [f"{text},{cell}" for text, cell in zip(assay[0][60:180], cells, strict=True)]
    (tmp_path / "new.csv").write_text("\n".join(["smiles,IC50", *lines]))
    found = evaluate(model, tmp_path / "new.csv", hit="IC50 <= 100")
    (task,) = found.tasks
    is_measured = values <= 3000
    is_known = is_measured | (np.arange(120) % 2 == 1)  # the bound >30 decides nothing
    assert (found.used, found.only_bounds, found.unlabelled) == (120, int((~is_measured).sum()), 0)
    assert (task.n_rows, task.n_bounds) == (int(is_measured.sum()), int((is_known & ~is_measured).sum()))
    assert task.n_bounds > 5
    hits = (values <= 100)[is_known].astype(float)
    assert task.n_hits == hits.sum()
    ranked_by = -model.predict(assay[0][60:180]).mean[is_known, 0]
    assert task.value("ef_5%") == pytest.approx(enrichment_factor(hits, ranked_by, 0.05))
    assert task.value("bedroc") == pytest.approx(bedroc(hits, ranked_by))
    alone = evaluate(model, tmp_path / "new.csv").tasks[0]
    assert (alone.n_rows, alone.n_bounds, alone.n_hits) == (task.n_rows, 0, None)
    assert alone.value("rmse") == task.value("rmse")


def test_a_value_without_logarithm_is_evaluated_in_label_units(factors, tmp_path):
    model, table = factors
    lines = table.read_text().splitlines()
    (tmp_path / "zero.csv").write_text("\n".join([*lines[:-1], lines[-1].rsplit(",", 1)[0] + ",0"]))
    (task,) = evaluate(model, tmp_path / "zero.csv").tasks
    assert not task.in_log10
    assert [estimate.metric for estimate in task.estimates] == [*REGRESSION[:-1], "spread_spearman", REGRESSION[-1]]


def test_coverage_is_counted_by_group(predictor, new_table, assay):
    found = evaluate(predictor, new_table).tasks[0]
    prediction, truth = predictor.predict(assay[0][60:180]), assay[1][60:180]
    similarity = predictor.neighbours(assay[0][60:180]).similarity[:, 0]
    for level in LEVELS:
        lower, upper = (ends[:, 0] for ends in prediction.interval(level))
        holds = (truth >= lower) & (truth <= upper)
        own = {row.group: row for row in found.coverage if row.level == level}
        assert own["all"].coverage == pytest.approx(holds.mean())
        assert own["all"].size == pytest.approx(np.median(upper - lower))
        part = (similarity >= 0.5) & (similarity < 0.7)
        assert own["similarity 0.5 to 0.7"].n_rows == part.sum()
        assert own["similarity 0.5 to 0.7"].coverage == pytest.approx(holds[part].mean())
        bins = [row.n_rows for name, row in own.items() if name.startswith("similarity")]
        assert sum(bins) == 120


def test_classes(whole_folder, new_table):
    found = evaluate(whole_folder, new_table)
    values, classes = found.tasks
    assert [estimate.metric for estimate in values.estimates] == REGRESSION  # without a hit there is no enrichment
    assert [estimate.metric for estimate in classes.estimates] == [*CLASSES, *EARLY]
    assert {row.group for row in classes.coverage} >= {"all", "class 0", "class 1"}
    every = [row for row in classes.coverage if row.group == "all"]
    assert all(0 <= row.size <= 2 for row in every)
    sizes = [row.size for row in every]
    assert sizes == sorted(sizes)


def test_a_rule_of_two_tasks_is_used_where_both_are_known(whole_folder, clean_table, tmp_path):
    lines = clean_table.read_text().splitlines()
    lines[5] = lines[5].rsplit(",", 1)[0] + ","
    (tmp_path / "gap.csv").write_text("\n".join(lines))
    values, classes = evaluate(whole_folder, tmp_path / "gap.csv", hit="pIC50 > 6 and active").tasks
    assert (values.n_rows, classes.n_rows) == (120, 119)
    assert values.n_hits is None
    assert classes.n_hits is not None


def test_files(whole_folder, new_table, tmp_path, margins):
    found = evaluate(whole_folder, new_table, output=tmp_path / "out", hit="active")
    pictures = [
        *("parity", "calibration", "spread", "coverage", "enrichment"),
        *("reliability", "coverage", "enrichment"),
    ]
    stems = [f"{1 + (i > 4)}-{name}" for i, name in enumerate(pictures)]
    assert found.pictures == tuple(f"{stem}.{ending}" for stem in stems for ending in ("png", "svg"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*found.pictures, EVALUATION}
    for stem in stems:
        assert margins(tmp_path / "out" / f"{stem}.png") == {"top", "bottom", "left", "right"}
        assert parse_xml(tmp_path / "out" / f"{stem}.svg").getroot().tag.endswith("svg")
    values = json.loads((tmp_path / "out" / EVALUATION).read_text())
    assert values == json.loads(json.dumps(evaluation_values(found)))
    assert values["format_version"] == 1
    assert [task["task"] for task in values["tasks"]] == ["pIC50", "active"]
    evaluate(whole_folder, new_table, output=tmp_path / "again", hit="active")
    for path in (tmp_path / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_an_existing_folder_is_kept(predictor, new_table, tmp_path):
    evaluate(predictor, new_table, output=tmp_path / "out")
    with pytest.raises(InputError, match="exists and is not empty"):
        evaluate(predictor, new_table, output=tmp_path / "out")
    evaluate(predictor, new_table, output=tmp_path / "out", overwrite=True)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"would delete notes\.txt"):
        evaluate(predictor, new_table, output=tmp_path / "out", overwrite=True)


def test_folders_that_cannot_be_written_are_refused_before_the_table_is_read(predictor, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not empty"):
        evaluate(predictor, "no such table.csv", recalibrate=tmp_path / "full")
    with pytest.raises(InputError, match="exists and is not empty"):
        evaluate(predictor, "no such table.csv", output=tmp_path / "full")
    with pytest.raises(InputError, match="output and recalibrate are both"):
        evaluate(predictor, "no such table.csv", output=tmp_path / "new", recalibrate=f"{tmp_path}/./new")


def test_a_hostile_name_is_drawn_as_text(clean_table, model_folder, tmp_path, margins):
    name = "$\\frac{<script>&\x1b[31m" + "W" * 100_000
    model = Predictor.load(model_folder, device="cpu")
    model.card = replace(model.card, tasks=(replace(model.tasks[0], name=name, unit="$\\broken{" + "M" * 100_000),))
    found = evaluate(model, clean_table, target_columns=["pIC50"], output=tmp_path / "out")
    assert len(found.pictures) == 8
    svg = (tmp_path / "out" / "parity.svg").read_text()
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
    assert "\x1b" not in svg
    assert len(svg) < 200_000
    assert margins(tmp_path / "out" / "parity.png") == {"top", "bottom", "left", "right"}


def test_columns_by_name_or_by_order(predictor, clean_table, tmp_path):
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(clean_table.read_text().replace("pIC50", "measured"))
    with pytest.raises(InputError, match=r"no column of a task of the model \(pIC50\).*measured.*`target_columns`"):
        evaluate(predictor, renamed)
    by_order = evaluate(predictor, renamed, target_columns=["measured"])
    assert repr(by_order.tasks) == repr(evaluate(predictor, clean_table).tasks)
    with pytest.raises(InputError, match="name one for each task"):
        evaluate(predictor, renamed, target_columns=["measured", "active"])


def test_a_table_may_lack_tasks(whole_folder, clean_table, tmp_path):
    part = tmp_path / "part.csv"
    part.write_text("".join(line.rsplit(",", 1)[0] + "\n" for line in clean_table.read_text().splitlines()))
    assert [task.task for task in evaluate(whole_folder, part).tasks] == ["pIC50"]


def test_a_class_that_is_missing_is_undefined(whole_folder, clean_table, tmp_path):
    one = tmp_path / "one.csv"
    lines = clean_table.read_text().splitlines()
    one.write_text("\n".join([lines[0], *(line for line in lines[1:] if line.endswith(",1"))]))
    found = {task.task: task for task in evaluate(whole_folder, one, output=tmp_path / "out").tasks}["active"]
    assert np.isnan(found.value("roc_auc"))
    assert np.isnan(found.value("bedroc"))
    assert 0 <= found.value("brier") <= 1
    text = (tmp_path / "out" / EVALUATION).read_text()
    assert "NaN" not in text
    assert "null" in text


def test_nothing_to_evaluate_on(predictor, assay_table, model_folder, tmp_path):
    with pytest.raises(InputError, match=r"all 60 compounds .* were in the training"):
        evaluate(predictor, assay_table)
    with pytest.raises(InputError, match="level is 2"):
        evaluate(predictor, assay_table, level=2)
    with pytest.raises(ModelError):
        evaluate(tmp_path / "none", assay_table)
    assert model_folder.is_dir()


def test_a_model_without_structures(mixed_folder, new_table, tmp_path):
    found = evaluate(mixed_folder, new_table)
    assert found.in_training is None
    assert found.used == 125
    assert found.shift is None
    assert {row.group for row in found.tasks[0].coverage} == {"all"}
    with pytest.raises(InputError, match="it is unknown whether it was trained on these"):
        evaluate(mixed_folder, new_table, recalibrate=tmp_path / "new")


class TestRecalibration:
    def test_refuses_training_compounds(self, predictor, new_table, tmp_path):
        with pytest.raises(InputError, match=r"5 of 125 compounds were in the training .* \(first: cpd-0\)"):
            evaluate(predictor, new_table, recalibrate=tmp_path / "new")
        assert not (tmp_path / "new").exists()

    def test_rests_on_the_new_compounds_alone(self, predictor, clean_table, assay, tmp_path):
        evaluate(predictor, clean_table, recalibrate=tmp_path / "new")
        again = Predictor.load(tmp_path / "new", device="cpu")
        card = load_card(tmp_path / "new")
        assert (card.calibration.rows, card.calibration.n_models) == ("split", 1)
        assert card.calibration_rows == (120,)
        assert card.recalibrated_on.name == "clean.csv"
        assert card.data == predictor.card.data
        old, new = predictor.predict(assay[0][180:400]), again.predict(assay[0][180:400])
        np.testing.assert_array_equal(old.members, new.members)
        own = np.sort(np.abs(again.calibration.data.labels.values[:, 0] - again.calibration.data.mean[:, 0]))
        assert len(own) == 120
        lower, upper = new.interval(0.9)
        holds = (assay[1][180:400] >= lower[:, 0]) & (assay[1][180:400] <= upper[:, 0])
        assert holds.mean() == pytest.approx(0.9, abs=0.08)

    def test_its_compounds_are_known_from_then_on(self, predictor, clean_table, new_table, tmp_path):
        evaluate(predictor, clean_table, recalibrate=tmp_path / "new")
        with pytest.raises(InputError, match="all 120 compounds"):
            evaluate(tmp_path / "new", clean_table)
        with pytest.raises(InputError, match="125 of 125 compounds were in the training"):
            evaluate(tmp_path / "new", new_table, recalibrate=tmp_path / "newer")

    def test_the_shift_check_compares_with_them(self, predictor, assay, tmp_path):
        order = np.argsort([text.count("N") for text in assay[0][60:]], kind="stable") + 60
        few, many = order[:200], order[-200:]
        rng = np.random.default_rng(0)
        shuffled = rng.permutation(many)
        for name, part in (("calibrate", shuffled[:100]), ("library", shuffled[100:])):
            with (tmp_path / f"{name}.csv").open("w") as file:
                file.write("smiles,pIC50\n" + "".join(f"{assay[0][i]},{assay[1][i]}\n" for i in part))
        assert len(few) == 200
        evaluate(predictor, tmp_path / "calibrate.csv", recalibrate=tmp_path / "new")
        shifts = [
            screen(
                model,
                tmp_path / "library.csv",
                output=tmp_path / "hits",
                config=ScreenConfig(domain="ignore"),
                overwrite=True,
            ).shift
            for model in (predictor, tmp_path / "new")
        ]
        assert [shift.n_calibration for shift in shifts] == [60, 100]
        assert [shift.was_checked for shift in shifts] == [False, True]  # 60 compounds are too few to tell
        assert not shifts[1].fires

    def test_a_task_ranked_no_better_than_chance_is_named(self, assay_table, clean_table, small_config, tmp_path):
        config = replace(small_config, learner="random_forest")
        model = train(assay_table, target_columns=["active"], output=tmp_path / "m", config=config)
        with clean_table.open(newline="") as file:
            smiles = [row["smiles"] for row in csv.DictReader(file)]
        predicted = model.predict(smiles).mean[:, 0]
        half = np.median(predicted)
        for name, active in (("ranked", predicted > half), ("reversed", predicted < half)):
            rows = [f"{text},{int(one)}" for text, one in zip(smiles, active, strict=True)]
            (tmp_path / f"{name}.csv").write_text("\n".join(["smiles,active", *rows]))
        found = evaluate(model, tmp_path / "ranked.csv", recalibrate=tmp_path / "new")
        assert found.no_better_than_chance == ()
        found = evaluate(model, tmp_path / "reversed.csv", output=tmp_path / "out", recalibrate=tmp_path / "flat")
        assert found.no_better_than_chance == ("active",)
        assert json.loads((tmp_path / "out" / EVALUATION).read_text())["no_better_than_chance"] == ["active"]
        flat = Predictor.load(tmp_path / "flat", device="cpu").predict(smiles).mean[:, 0]
        assert 0 < np.ptp(flat) < 0.1  # nearly flat, and still in the order of the predictions
        assert (np.diff(flat[np.argsort(predicted)]) >= 0).all()

    def test_both_kinds_of_task(self, whole_folder, clean_table, tmp_path):
        evaluate(whole_folder, clean_table, recalibrate=tmp_path / "new")
        model = load_model(tmp_path / "new")
        assert model.card.calibration_rows == (120, 120)
        assert model.structures.calibration_fingerprints.shape == (120, 256)

    @pytest.mark.parametrize(("n_rows", "message"), [(8, "has 8 compounds to calibrate with; 90% intervals need")])
    def test_too_few(self, predictor, clean_table, tmp_path, n_rows, message):
        few = tmp_path / "few.csv"
        few.write_text("".join(clean_table.read_text().splitlines(keepends=True)[: n_rows + 1]))
        with pytest.raises(InputError, match=message):
            evaluate(predictor, few, recalibrate=tmp_path / "new")

    def test_a_class_that_is_missing(self, whole_folder, clean_table, tmp_path):
        one = tmp_path / "one.csv"
        lines = clean_table.read_text().splitlines()
        one.write_text("\n".join([lines[0], *(line for line in lines[1:] if line.endswith(",1"))]))
        with pytest.raises(InputError, match="active has 0 compounds of class 0"):
            evaluate(whole_folder, one, recalibrate=tmp_path / "new")


@pytest.mark.parametrize(
    ("coverage", "group", "is_valid", "what", "conclusion"),
    [
        (0.9, "all", True, "intervals contain 90% of 200 measured values", "as expected"),
        (0.7, "class 1", False, "prediction sets of class 1 contain 70% of 200 measured labels", "BELOW THE NOMINAL"),
        (0.99, "all", True, "intervals contain 99% of 200 measured values", "above the nominal coverage: wider than"),
    ],
)
def test_coverage_verdicts(coverage, group, is_valid, what, conclusion):
    verdict = CoverageVerdict("y", group, 0.9, 200, coverage, (0.81, 0.97))
    assert verdict.is_valid is is_valid
    expected = f"Coverage of y: 90% {what} (within chance: 81% to 97%): {conclusion}"
    assert verdict.sentence().startswith(expected)


def test_settings_are_kept(assay_table, clean_table, small_config, tmp_path):
    config: TrainConfig = replace(
        small_config, uncertainty=UncertaintyConfig(method="quantile", variance_scaling="global")
    )
    train(assay_table, target_columns=["pIC50"], output=tmp_path / "m", config=config)
    evaluate(tmp_path / "m", clean_table, recalibrate=tmp_path / "new")
    card = load_card(tmp_path / "new")
    assert (card.calibration.intervals, card.calibration.variance) == ("quantile", "global")

"""Every learner and every preset makes a model: trained, evaluated out of fold, stored, loaded, screened."""

import dataclasses
import json
import threading
import time

import numpy as np
import pytest
import torch

from molgraph import Predictor, TrainConfig, featurize, screen, train
from molgraph.config import learners
from molgraph.config.compute import ComputeConfig
from molgraph.config.encoder import EncoderConfig
from molgraph.config.learners import LEARNERS, PRESETS, chosen_learners
from molgraph.config.optimizer import OptimizerConfig
from molgraph.config.screening import ScreenConfig
from molgraph.config.training import ModelConfig
from molgraph.config.uncertainty import UncertaintyConfig
from molgraph.errors import InputError, ModelError, TrainingError
from molgraph.features.molecules import Molecules
from molgraph.learners import catboost
from molgraph.learners.registry import tabular_learner
from molgraph.learners.target_transforms import SCORES, TargetTransforms
from molgraph.model_folder.encoder_folder import FROZEN_UP_TO, encoder_for
from molgraph.models.network import Network
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec
from molgraph.training import fit_tabular
from molgraph.training.ensemble import train_ensemble
from molgraph.training.train import to_stored_model

KINDS = ("regression", "classification")
CHOICES = [
    *({"learner": name} for name, spec in LEARNERS.items() if name != "network" and not spec.needs_encoder),
    *({"preset": name} for name in PRESETS if name != "lean"),  # which is a network alone without an encoder
    {"preset": "lean", "encoder": "here"},
    {"learner": "gp_embedding", "encoder": "here"},
    {"learner": "catboost_embedding", "encoder": "here", "tuning": "frozen"},
    {"preset": "fast", "encoder": "here", "tuning": "full"},
    {"preset": "accurate", "encoder": "here"},
]
TEXTS = ["CC(=O)Oc1ccccc1C(=O)O", "CCO", "bad"]


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catboost, "_MOST_TREES", 30)
        yield


def make_config(encoder="none", tuning="auto", **choice):
    small = ModelConfig(head_hidden=16) if encoder != "none" else ModelConfig(hidden=16, head_hidden=16)
    return TrainConfig(
        model=small,
        encoder=EncoderConfig(pretrained=encoder, tuning=tuning),
        folds=3,
        epochs=3,
        batch_size=16,
        device="cpu",
        precision="float32",
        **choice,
    )


@pytest.fixture(scope="module")
def dataset(make_dataset, assay):
    """90 compounds with their activity, and whether it is high; some of it not measured."""
    values = assay[1][:90]
    labels = np.stack([values, (values > np.median(values)).astype(float)], axis=1)
    labels[::11, 1] = np.nan
    return make_dataset(90, labels, KINDS)


@pytest.fixture(scope="module", params=CHOICES, ids=lambda choice: "-".join(choice.values()))
def model(request, dataset, encoder_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    choice = request.param | ({"encoder": str(encoder_folder)} if "encoder" in request.param else {})
    return train(dataset, output=folder, config=make_config(**choice)), folder, make_config(**choice)


def names_of(config, n_rows):
    return chosen_learners(config.preset, config.learner, n_rows, has_encoder=config.encoder.pretrained != "none")


def test_it_predicts_what_it_never_saw(model, dataset):
    predictor, _, config = model
    names = names_of(config, len(dataset))
    assert (config.learner or names[0]) in names
    assert predictor.card.learners == tuple(predictor.shares) == names
    assert sum(predictor.shares.values()) == pytest.approx(1)
    metrics = {(record.task, record.metric): record.mean for record in predictor.card.metrics}
    assert metrics["task 0", "spearman"] > 0.3
    if names != ("network",):  # which learns little in three epochs
        assert metrics["task 1", "roc_auc"] > 0.6
    assert (predictor.card.best_epochs != ()) == ("network" in names)


def test_what_is_loaded_says_the_same(model):
    predictor, folder, _ = model
    one, other = predictor.predict(TEXTS, domain=True), Predictor.load(folder, device="cpu").predict(TEXTS, domain=True)
    for name in ("mean", "var", "members", "latent_distance", "leverage"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name
    assert np.isfinite(one.mean[:2]).all()
    assert ((one.mean[:2, 1] > 0) & (one.mean[:2, 1] < 1)).all()
    assert np.isfinite(one.interval(0.8)[0][:2, 0]).all()
    assert [bad.row for bad in one.rejected] == [2]


def test_in_its_own_space_what_it_was_trained_on_is_next_to_itself(model):
    predictor, _, _ = model
    own = predictor.structures.smiles[:20]
    assert predictor.neighbours(own, by="model").smiles == tuple((text,) for text in own)


def test_graphs_are_enough_unless_it_reads_descriptors(model):
    predictor, _, config = model
    names = names_of(config, 90)
    needs = bool({"maplight", "random_forest"} & {*names})
    assert predictor.needs_structures == needs
    graphs = featurize(TEXTS)
    if needs:
        with pytest.raises(InputError, match="computed from structures"):
            predictor.predict_molecules(Molecules(graphs))
    texts = predictor.standardized(TEXTS[:2])
    expected = predictor.predict(TEXTS).mean
    assert np.array_equal(predictor.predict_molecules(Molecules(graphs, tuple(texts))).mean, expected, equal_nan=True)


def test_the_out_of_fold_member_does_not_see_the_row(dataset):
    """The out-of-fold prediction of a row does not change with its own label; not even by the shares of a blend."""
    config = make_config(preset="accurate")
    before = train_ensemble(dataset, config)
    rows = np.flatnonzero(before.fold == 1)
    labels = dataset.labels.values.copy()
    labels[rows, 0] += 3.0
    after = train_ensemble(dataclasses.replace(dataset, labels=Labels(labels)), config)
    outputs = [trained.learners for trained in (before, after)]
    # Labels of fold 1 do reach the shares of member 1 through the out-of-fold members of the other folds; its
    # learners themselves, and the shares' own data, are free of them.
    for name, own in outputs[0].tabular.items():
        arrays, others = own.to_arrays(), outputs[1].tabular[name].to_arrays()
        if name == "gp_tanimoto":
            np.testing.assert_array_equal(arrays["coefficients"][1], others["coefficients"][1])
        elif name != "random_forest":
            for key in (key for key in arrays if key.startswith("1.")):
                np.testing.assert_array_equal(arrays[key], others[key])


def test_a_screen_gives_the_same_from_a_file_and_from_a_packed_library(model, assay, tmp_path):
    from molgraph import pack_library

    predictor, _, _ = model
    (tmp_path / "library.smi").write_text("".join(f"{text} c{row}\n" for row, text in enumerate(assay[0][100:140])))
    pack_library(tmp_path / "library.smi", tmp_path / "packed")
    for name in ("library.smi", "packed"):
        screen(
            predictor,
            tmp_path / name,
            output=tmp_path / f"hits-{name.partition('.')[0]}",
            config=ScreenConfig(goal="task 0", domain="ignore", top=10),
        )
    one, other = ((tmp_path / f"hits-{name}" / "hits.csv").read_text() for name in ("library", "packed"))
    assert one == other
    assert len(one.splitlines()) == 11


def test_a_blend_screens_to_the_same_bytes_in_any_number_of_processes(dataset, assay, tmp_path):
    predictor = train(dataset, output=tmp_path / "model", config=make_config(preset="fast"))
    (tmp_path / "library.smi").write_text("".join(f"{text} c{row}\n" for row, text in enumerate(assay[0])))
    files = []
    for processes in (1, 2):
        folder = tmp_path / f"hits-{processes}"
        screen(
            predictor,
            tmp_path / "library.smi",
            output=folder,
            config=ScreenConfig(goal="task 0", domain="ignore"),
            compute=ComputeConfig(processes=processes),
        )
        files.append([(folder / name).read_bytes() for name in ("hits.csv", "summary.json")])
    assert files[0] == files[1]


@pytest.fixture
def fits_with(monkeypatch):
    """Puts another function in the place of the fit of all tabular learners."""

    def use(fit):
        learner_of = lambda name: dataclasses.replace(tabular_learner(name), fit=fit)  # noqa: E731
        monkeypatch.setattr(fit_tabular, "tabular_learner", learner_of)

    return use


class StopError(Exception):
    """What stops a training here."""


@pytest.mark.slow
def test_goes_on_after_the_members_that_were_fitted(dataset, tmp_path, monkeypatch):
    config = make_config(preset="accurate")
    whole = train(dataset, output=tmp_path / "whole", config=config)

    def stop(progress):
        if progress.learner == "maplight" and progress.epoch == 2:
            raise StopError

    with pytest.raises(StopError):
        train(dataset, output=tmp_path / "model", config=config, on_progress=stop)
    fits = []

    def recorded(name):
        learner = tabular_learner(name)
        fit = lambda *a: (fits.append((name, a[1].member)), learner.fit(*a))[1]  # noqa: E731
        return dataclasses.replace(learner, fit=fit)

    monkeypatch.setattr(fit_tabular, "tabular_learner", recorded)
    train(dataset, output=tmp_path / "model", config=config, resume=True)
    assert ("random_forest", 0) in fits
    # The third member may have been under way, side by side with the second.
    assert {member for name, member in fits if name == "maplight"} <= {2}
    one, other = (json.loads((tmp_path / name / "card.json").read_text())["files"] for name in ("whole", "model"))
    assert one == other
    assert whole.card.n_members == 3
    with pytest.raises(StopError):
        train(dataset, output=tmp_path / "third", config=config, on_progress=stop)
    with pytest.raises(TrainingError, match="cannot resume"):
        train(dataset, output=tmp_path / "third", config=dataclasses.replace(config, seed=1), resume=True)


def test_progress_tells_the_learner(dataset):
    seen = []
    train_ensemble(dataset, make_config(preset="accurate"), on_progress=seen.append)
    assert list(dict.fromkeys(progress.learner for progress in seen)) == [
        "descriptors",
        *(name for name in PRESETS["accurate"] if name != "gp_embedding"),
    ]
    last = [progress for progress in seen if progress.learner == "random_forest"][-1]
    assert last.molecules_done == last.molecules_total
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert (shares[0] < 0.01, shares[-1]) == (True, pytest.approx(1.0))
    # Members of the forest are told of task by task, so that many tasks do not look like one that hangs.
    assert sum(progress.learner == "random_forest" for progress in seen) >= 3


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("learner", ["catboost", "gp_tanimoto"])
def test_progress_tells_the_tasks_of_a_member(dataset, monkeypatch, learner, cores):
    """With hundreds of tasks, a member takes minutes."""
    monkeypatch.setattr(fit_tabular, "usable_cores", lambda: cores)
    monkeypatch.setattr(fit_tabular, "_REPORT_SECONDS", 0.0005)
    labels = np.concatenate([dataset.labels.values] * 4, axis=1)
    labels[:5, :4] = np.nan  # tasks of other rows are fitted apart
    tasks = tuple(TaskSpec(f"task {t}", "regression") for t in range(labels.shape[1]))
    seen = []
    train_ensemble(
        dataclasses.replace(dataset, labels=Labels(labels), tasks=tasks),
        make_config(learner=learner),
        on_progress=seen.append,
    )
    seen = [progress for progress in seen if progress.learner == learner]
    done = [progress.molecules_done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].molecules_total
    assert {progress.tasks for progress in seen} == {len(tasks)}
    assert any(0 < progress.task < len(tasks) for progress in seen)
    assert [progress.epoch for progress in seen if progress.task == len(tasks)][-1] == 3


@pytest.mark.parametrize("learner", ["catboost", "random_forest"])
def test_cores_do_not_change_what_is_learned(dataset, monkeypatch, fits_with, learner):
    fitted, running = {}, []
    fit = tabular_learner(learner).fit

    def counted(*args):
        running.append(threading.get_ident())
        return fit(*args)

    fits_with(counted)
    for cores in (1, 3):
        running.clear()
        monkeypatch.setattr(fit_tabular, "usable_cores", lambda cores=cores: cores)
        model = train_ensemble(dataset, make_config(learner=learner)).learners.tabular[learner]
        fitted[cores] = model.to_arrays()
        in_threads = threading.get_ident() not in running
        assert in_threads == (cores > 1 and LEARNERS[learner].side_by_side)
    assert fitted[1].keys() == fitted[3].keys()
    for name, array in fitted[1].items():
        np.testing.assert_array_equal(array, fitted[3][name])


def test_large_tables_are_fitted_one_after_the_other(monkeypatch):
    monkeypatch.setattr(fit_tabular, "usable_cores", lambda: 16)
    assert fit_tabular._members_at_once("maplight", 1_400 * 2_580, 5) == 5
    assert fit_tabular._members_at_once("maplight", 8_000 * 2_580, 5) == 4
    assert fit_tabular._members_at_once("maplight", 40_000 * 2_580, 5) == 1
    assert fit_tabular._members_at_once("random_forest", 1_000, 5) == 1


def test_a_fit_that_fails_ends_the_training(dataset, monkeypatch, fits_with):
    def fail(_data, plan, _seed, _limits):
        raise RuntimeError(f"member {plan.member}")

    fits_with(fail)
    monkeypatch.setattr(fit_tabular, "usable_cores", lambda: 2)
    with pytest.raises(RuntimeError, match="member 0"):
        train_ensemble(dataset, make_config(learner="catboost"))


def test_members_under_way_end_with_the_training(dataset, tmp_path, monkeypatch, fits_with):
    fit, stopped = tabular_learner("catboost").fit, []

    def wait(data, plan, seed, limits):
        if plan.member == 0:
            return fit(data, plan, seed, limits)
        while not limits.is_stopped():
            time.sleep(0.01)
        stopped.append(plan.member)
        return fit(data, plan, seed, limits)  # gives up after its first tree

    def stop(progress):
        raise StopError

    fits_with(wait)
    monkeypatch.setattr(fit_tabular, "usable_cores", lambda: 2)
    monkeypatch.setattr(fit_tabular, "_REPORT_SECONDS", 60)  # the first report is that member 0 is fitted
    config = make_config(learner="catboost")
    with pytest.raises(StopError):
        train_ensemble(dataset, config, checkpoint_folder=tmp_path / "state", on_progress=stop)
    assert 1 in stopped
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["catboost-0.safetensors"]


@pytest.mark.parametrize("learner", ["network", "catboost"])
def test_absolute_errors_let_wild_labels_count_less(learner, make_dataset, assay):
    values = assay[1][:150].copy()
    values[::10] += 60.0
    noisy = make_dataset(150, values[:, None])
    config = dataclasses.replace(
        make_config(learner=learner, target_scaling="standard"), epochs=15, optimizer=OptimizerConfig(peak_lr=3e-3)
    )
    errors = {}
    for loss in ("squared", "absolute"):
        said = train_ensemble(noisy, dataclasses.replace(config, loss=loss)).out_of_fold[:, 0]
        errors[loss] = np.median(np.abs(said - assay[1][:150]))
    assert errors["absolute"] < 0.5 * errors["squared"]


def test_a_task_without_weight_is_not_learned(dataset):
    config = dataclasses.replace(make_config(learner="network"), epochs=30, optimizer=OptimizerConfig(peak_lr=5e-3))
    both = train_ensemble(dataset, config)
    one = train_ensemble(dataset, dataclasses.replace(config, task_weights={"task 1": 0.0}))
    # The last layer of a task without weight has no gradient: it stays as it began.
    weights = [trained.learners.network.output.weight for trained in (both, one)]
    seeds = [np.random.SeedSequence((config.seed, member)).generate_state(1, np.uint32)[0] for member in range(3)]
    for member, seed in enumerate(seeds):
        network = one.learners.network
        begun = Network(network.shape, seed=int(seed)).output.weight[0]
        assert torch.equal(weights[1][member][1], begun[1])
        assert not torch.equal(weights[0][member][1], begun[1])
        assert not torch.equal(weights[1][member][0], begun[0])
    with pytest.raises(InputError, match="task_weights names 'none', which is no task; the tasks are task 0, task 1"):
        train_ensemble(dataset, dataclasses.replace(config, task_weights={"none": 1.0}))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"task_weights": {"a": -1.0}}, "task_weights.*it must lie between 0"),
        (
            {"loss": "absolute", "uncertainty": UncertaintyConfig("mve")},
            "uncertainty.method 'mve' has a loss of its own",
        ),
    ],
)
def test_settings_that_do_not_go_together(settings, words):
    with pytest.raises(InputError, match=words):
        TrainConfig(**settings)


def test_learners_for_few_rows_are_left_out_of_presets():
    assert "gp_tanimoto" in chosen_learners("accurate", None, 500, has_encoder=True)
    assert "gp_tanimoto" not in chosen_learners("accurate", None, 6000, has_encoder=True)
    assert chosen_learners("accurate", "gp_tanimoto", 6000, has_encoder=True) == ("gp_tanimoto",)


def test_learners_without_their_encoder_are_left_out_of_presets_and_refused_by_name(dataset):
    assert "gp_embedding" in chosen_learners("fast", None, 500, has_encoder=True)
    assert "gp_embedding" not in chosen_learners("fast", None, 500, has_encoder=False)
    with pytest.raises(
        InputError, match=r"learner is 'gp_embedding', and there is no encoder: encoder\.pretrained is 'none'; name a"
    ):
        train_ensemble(dataset, make_config(learner="gp_embedding"))


def test_small_tables_freeze_the_encoder_unless_told_otherwise(encoder_folder):
    config = make_config(encoder=str(encoder_folder))
    assert [encoder_for(config, n)[1].encoder.tuning for n in (FROZEN_UP_TO, FROZEN_UP_TO + 1)] == ["frozen", "full"]
    tuned = make_config(encoder=str(encoder_folder), tuning="full")
    assert encoder_for(tuned, 10)[1].encoder.tuning == "full"


def test_trees_on_the_embedding_bring_their_network():
    assert chosen_learners("fast", "catboost_embedding", 500, has_encoder=True) == ("network", "catboost_embedding")


def test_a_card_with_the_trees_and_without_their_network_is_refused(dataset, tmp_path):
    from molgraph.storage.hashes import values_sha256

    folder = tmp_path / "model"
    train(dataset, output=folder, config=make_config(learner="catboost_embedding"))
    card = json.loads((folder / "card.json").read_text())
    del card["card_sha256"]
    card["learners"] = ["catboost_embedding"]
    (folder / "card.json").write_text(json.dumps({**card, "card_sha256": values_sha256(card)}))
    with pytest.raises(ModelError, match="catboost_embedding reads the embeddings of a network, and there is none"):
        Predictor.load(folder)


def test_networks_alone_learn_variances():
    with pytest.raises(
        InputError, match=r"uncertainty\.method is 'mve', which is of networks, and learner is 'random_forest'"
    ):
        make_config(learner="random_forest", uncertainty=UncertaintyConfig("mve"))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[[0.5]], [[0.4]]], "shares of the learners do not add up to 1"),
        ([[[1.5]], [[-0.5]]], "weights has entries that are not between 0 and 1"),
        ([[[np.nan]], [[1.0]]], "weights has entries that are not between 0 and 1"),
    ],
)
def test_shares_that_make_no_sense_are_refused(dataset, tmp_path, weights, message, monkeypatch):
    import hashlib

    from safetensors.numpy import save

    from molgraph.storage.hashes import values_sha256

    folder = tmp_path / "model"
    monkeypatch.setattr(learners, "PRESETS", {"fast": ("network", "catboost")})
    train(dataset, output=folder, config=make_config(preset="fast"))
    transforms = TargetTransforms(np.zeros((3, 2), dtype=np.int64), np.zeros((3, 2, len(SCORES)))).to_arrays()
    content = save({"weights": np.broadcast_to(np.array(weights), (2, 3, 2)).copy(), **transforms})
    (folder / "blend.safetensors").write_bytes(content)
    card = json.loads((folder / "card.json").read_text())
    del card["card_sha256"]
    card["files"]["blend.safetensors"] = hashlib.sha256(content).hexdigest()
    (folder / "card.json").write_text(json.dumps({**card, "card_sha256": values_sha256(card)}))
    with pytest.raises(ModelError, match=message):
        Predictor.load(folder)


@pytest.mark.parametrize("learner", ["gp_tanimoto", "gp_embedding", "catboost"])
def test_intervals_of_learners_that_remember_their_rows_are_no_wider_than_their_errors_ask_for(
    learner, make_dataset, assay, encoder_folder
):
    values = assay[1][:400]
    whole = make_dataset(400, values[:, None], KINDS[:1])
    seen, new = whole.take(np.arange(280)), whole.take(np.arange(280, 400))
    encoder = {"encoder": str(encoder_folder)} if learner == "gp_embedding" else {}
    trained = train_ensemble(seen, dataclasses.replace(make_config(**encoder, learner=learner), folds=5))
    model = Predictor(to_stored_model(seen, trained), digest="", device="cpu")
    prediction = model.predict(new.smiles)
    lower, upper = prediction.interval(0.8)
    covered = np.mean((new.labels.values >= lower) & (new.labels.values <= upper))
    # As wide as the plain errors of rows that were not seen would make them, within a quarter.
    plain = 2 * np.quantile(np.abs(trained.out_of_fold - seen.labels.values), 0.8)
    assert 0.7 < covered < 0.92
    assert np.mean(upper - lower) < 1.25 * plain
    error = np.sqrt(np.mean((prediction.mean - new.labels.values) ** 2))
    assert prediction.std.mean() < 1.3 * error

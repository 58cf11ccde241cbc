"""Intervals hold what they promise with every learner and preset, however noisy the labels are."""

import numpy as np
import pytest
from scipy.stats import norm

from molgraph import Predictor, TrainConfig
from molgraph.config.encoder import EncoderConfig
from molgraph.config.learners import LEARNERS, PRESETS
from molgraph.config.training import ModelConfig
from molgraph.config.uncertainty import CalibrationSettings
from molgraph.results.labels import Labels
from molgraph.results.member_outputs import MemberOutputs
from molgraph.results.prediction import Prediction
from molgraph.results.tasks import TaskSpec
from molgraph.training.ensemble import train_ensemble
from molgraph.training.out_of_fold import calibration_data
from molgraph.training.train import to_stored_model
from molgraph.uncertainty.calibration import fit_calibration

N_TRAIN, N_ALL, N_MEMBERS = 300, 700, 5

#: Fitted within a second or two; the others are walked with `-m slow`.
QUICK = ("gp_tanimoto", "gp_embedding")
CHOICES = [
    pytest.param({key: name}, id=name, marks=() if name in QUICK else pytest.mark.slow)
    for key, names in (("learner", LEARNERS), ("preset", PRESETS))
    for name in names
]


@pytest.fixture(params=["noisy", "shuffled"])
def whole(request, make_dataset, assay):
    """Compounds of the assay, whose activities have an error of one deviation of their own, or are of others.

    Errors of those that are learned from and of the new ones have the same quantiles: less is left to chance.
    """
    rng, values = np.random.default_rng(11), assay[1][:N_ALL]
    parts = [rng.permutation(norm.ppf((np.arange(n) + 0.5) / n)) for n in (N_TRAIN, N_ALL - N_TRAIN)]
    noisy = values + values.std() * np.concatenate(parts)
    return make_dataset(N_ALL, (noisy if request.param == "noisy" else rng.permutation(values))[:, None])


@pytest.mark.parametrize("choice", CHOICES)
def test_intervals_of_new_compounds_hold_as_often_as_promised(choice, whole, encoder_folder):
    config = TrainConfig(
        model=ModelConfig(head_hidden=32), encoder=EncoderConfig(str(encoder_folder)), folds=N_MEMBERS, epochs=10, batch_size=32,
        device="cpu", precision="float32", **choice,
    )  # fmt: skip
    seen, new = whole.take(np.arange(N_TRAIN)), whole.take(np.arange(N_TRAIN, N_ALL))
    model = Predictor(to_stored_model(seen, train_ensemble(seen, config)), digest="", device="cpu")
    prediction = model.predict(new.smiles)
    lower, upper = prediction.interval(0.9)
    # Two deviations over calibration rows and new compounds.
    assert np.mean((lower <= new.labels.values) & (new.labels.values <= upper)) == pytest.approx(0.9, abs=0.045)
    z = (new.labels.values - prediction.mean) / prediction.std
    assert np.sqrt(np.mean(z**2)) == pytest.approx(1.0, abs=0.12)


def remembering_members(rng, labels, fold, share):
    """Members that predict 0 for what they never saw, and a part of the noise of the labels that they trained on."""
    own = rng.normal(0, 0.3, (N_MEMBERS, *labels.shape))
    strength = rng.uniform(0.0, 2 * share, (N_MEMBERS, *labels.shape))
    seen = (np.arange(N_MEMBERS)[:, None] != fold)[..., None]
    return own + np.where(seen, strength * labels, 0.0)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_how_well_members_remember_does_not_matter(share):
    """The kind of fault, without learners: members that fit noise agree less, or more, on rows that they saw."""
    rng = np.random.default_rng(12)
    held = []
    for _ in range(40):
        labels, fold = rng.normal(size=(250, 1)), rng.permutation(np.arange(250) % N_MEMBERS)
        mean = remembering_members(rng, labels, fold, share)
        data = calibration_data(MemberOutputs(mean, 0 * mean, 0 * mean), Labels(labels), fold, split=False)
        settings = CalibrationSettings(rows="cross", n_models=N_MEMBERS)
        rule = fit_calibration(("regression",), data, settings)
        truth = rng.normal(size=(500, 1))
        said = rng.normal(0, 0.3, (N_MEMBERS, 500, 1))
        means, aleatoric, epistemic = rule.apply(MemberOutputs(said, 0 * said, 0 * said))
        prediction = Prediction((TaskSpec("y", "regression"),), means, epistemic, aleatoric, said, calibration=rule)
        lower, upper = prediction.interval(0.9)
        held.append(np.mean((lower <= truth) & (truth <= upper)))
    assert np.mean(held) == pytest.approx(0.905, abs=0.015)

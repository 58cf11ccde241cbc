"""What people see of each public object in a notebook or a log: short, named, and no arrays."""

import inspect

import numpy as np

import molgraph
from molgraph import (
    ModelConfig,
    MolgraphClassifier,
    MolgraphError,
    MolgraphRegressor,
    Panel,
    Predictor,
    PretrainConfig,
    TrainConfig,
    evaluate,
    featurize,
    load_dataset,
    screen,
)


def test_every_public_object_is_short_and_says_what_it_is(model_folder, assay, assay_table, tmp_path):
    predictor = Predictor.load(model_folder, device="cpu")
    smiles = [*assay[0][60:90], "bad" * 100]
    graphs = featurize(smiles)
    prediction = predictor.predict(smiles, domain=True)
    table = tmp_path / "measured.csv"
    table.write_text(
        "smiles,pIC50\n" + "".join(f"{t},{v}\n" for t, v in zip(assay[0][60:80], assay[1][60:80], strict=True))
    )
    result = screen(
        predictor, smiles, output=tmp_path / "hits", config=molgraph.ScreenConfig(top=5, diverse=2, domain="ignore")
    )
    objects = {
        "Predictor": predictor,
        "Panel": Panel([predictor]),
        "Prediction": prediction,
        "PackedGraphs": graphs,
        "Rejected": prediction.rejected[0],
        "ModelConfig": ModelConfig(),
        "TrainConfig": TrainConfig(epochs=3, model=ModelConfig(depth=5)),
        "PretrainConfig": PretrainConfig(),
        "EncoderConfig": molgraph.EncoderConfig(),
        "OptimizerConfig": molgraph.OptimizerConfig(peak_lr=2e-3),
        "UncertaintyConfig": molgraph.UncertaintyConfig(),
        "ScreenConfig": molgraph.ScreenConfig(top=7),
        "ComputeConfig": molgraph.ComputeConfig(device="cpu"),
        "MolgraphRegressor": MolgraphRegressor(),
        "MolgraphClassifier": MolgraphClassifier(),
        "MolgraphError": MolgraphError("no"),
        "ScreenResult": result,
        "HitTable": result.hits,
        "Evaluation": evaluate(predictor, table),
    }
    classes = {name for name in molgraph.__all__ if inspect.isclass(getattr(molgraph, name))}
    assert classes <= objects.keys()
    for name, value in objects.items():
        text = repr(value)
        assert text.startswith(name), text
        assert len(text) < 500, text
        assert "array(" not in text
    assert repr(objects["TrainConfig"]) == "TrainConfig(model=ModelConfig(depth=5), epochs=3)"
    sizes = f"30 molecules, {graphs.n_atoms:,} atoms, {len(graphs.bond_codes):,} bonds"
    assert repr(graphs) == f"PackedGraphs({sizes}; schema {graphs.schema}; 1 rejected)"
    dataset = load_dataset(assay_table, target_columns=["pIC50"])
    assert repr(dataset).startswith("Dataset(")
    assert len(repr(dataset)) < 500


def test_a_prediction_in_a_notebook_and_as_a_frame(model_folder, assay):
    prediction = Predictor.load(model_folder, device="cpu").predict([*assay[0][:14], "bad"])
    shown = prediction._repr_html_()
    assert shown.count("<tr>") == 11
    assert "<th>pIC50_pred</th><th>pIC50_std</th>" in shown
    frame = prediction.to_pandas()
    np.testing.assert_array_equal(frame["pIC50_pred"], prediction.mean[:, 0])

"""scikit-learn estimators, for its pipelines, cross-validation and searches. X is a column of SMILES."""

import tempfile
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from molgraph.chem.identity import canonical_smiles
from molgraph.chem.standardize import standardize_smiles
from molgraph.config.learners import LearnerName, Preset
from molgraph.config.training import Device, TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import MergeReport
from molgraph.errors import InputError
from molgraph.files.frames import structure_list
from molgraph.prediction.predictor import Predictor
from molgraph.results.labels import Labels
from molgraph.results.prediction import Prediction, Rejected
from molgraph.results.tasks import TaskKind, TaskSpec
from molgraph.training.train import train


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Parameters and training of both estimators.

    Args:
        preset: Learners that are blended.
        learner: One learner alone.
        folds: Members of the ensemble.
        epochs: Passes of a network over the rows.
        random_state: Seed.
        device: Where to compute.
    """

    def __init__(
        self,
        *,
        preset: Preset = "fast",
        learner: LearnerName | None = None,
        folds: int = 5,
        epochs: int | None = None,
        random_state: int = 0,
        device: Device = "auto",
    ) -> None:
        self.preset = preset
        self.learner = learner
        self.folds = folds
        self.epochs = epochs
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = True
        tags.input_tags.categorical = False
        tags.no_validation = True
        return tags

    def _fit(self, texts: list[str], labels: NDArray[np.float64], kind: TaskKind) -> Predictor:
        config = TrainConfig(
            preset=self.preset,
            learner=self.learner,
            folds=self.folds,
            epochs=self.epochs,
            seed=self.random_state,
            device=self.device,
        )
        with tempfile.TemporaryDirectory(prefix="molgraph-") as folder:
            return train(_dataset(texts, labels, kind), output=Path(folder, "model"), config=config)

    def _prediction(self, X: ArrayLike) -> Prediction:
        check_is_fitted(self)
        prediction: Prediction = self.predictor_.predict(_texts(X))
        if prediction.rejected:
            first = prediction.rejected[0]
            raise ValueError(f"row {first.row} of X, {first.text!r}, gives no molecule: {first.reason}")
        return prediction


class MolgraphRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """Predicts a measured value from structures.

    Attributes:
        predictor_: The trained model, which also gives intervals.
        n_features_in_: 1, the column of SMILES.

    >>> alcohols = [f"{'C' * n}O" for n in range(1, 21)]
    >>> model = MolgraphRegressor(learner="gp_tanimoto", folds=2).fit(alcohols, range(20))
    >>> model.predict(["CCO", "CCCCCO"]).shape
    (2,)
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on n structures and values.

        Raises:
            ValueError: X is not a column of SMILES, or y does not fit.
        """
        texts = _texts(X)
        labels = _labels(y, len(texts))
        self.n_features_in_ = 1
        self.predictor_ = self._fit(texts, labels.astype(np.float64), "regression")
        return self

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[False] = False) -> NDArray[np.float64]: ...

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[True]) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

    def predict(
        self,
        X: ArrayLike,
        return_std: bool = False,
    ) -> NDArray[np.float64] | tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values `[n]`, and with `return_std` their standard deviations `[n]` too.

        Raises:
            ValueError: A row gives no molecule.
        """
        prediction = self._prediction(X)
        values = np.asarray(prediction.mean[:, 0])
        return (values, np.asarray(np.sqrt(prediction.var[:, 0]))) if return_std else values


class MolgraphClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """Predicts one of two classes from structures.

    Attributes:
        classes_: The two classes, sorted; probabilities have a column for each.
        predictor_: The trained model, which also gives calls.
        n_features_in_: 1, the column of SMILES.

    >>> texts = [f"{'C' * n}{end}" for n in range(1, 11) for end in ("O", "N")]
    >>> model = MolgraphClassifier(learner="gp_tanimoto", folds=2).fit(texts, ["alcohol", "amine"] * 10)
    >>> model.predict(["CCCO", "CCCN"]).tolist(), model.predict_proba(["CCCO"]).shape
    (['alcohol', 'amine'], (1, 2))
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on n structures and their classes.

        Raises:
            ValueError: X is not a column of SMILES, or y has not two classes.
        """
        texts = _texts(X)
        labels = _labels(y, len(texts))
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target has "
                f"{len(self.classes_)} class{'es' if len(self.classes_) > 1 else ''}."
            )
        self.n_features_in_ = 1
        self.predictor_ = self._fit(texts, codes.astype(np.float64), "classification")
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities `[n, 2]` of `classes_`.

        Raises:
            ValueError: A row gives no molecule.
        """
        of_second = self._prediction(X).mean[:, 0]
        return np.stack([1.0 - of_second, of_second], axis=1)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row, `[n]`.

        Raises:
            ValueError: A row gives no molecule.
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])


def _texts(X: ArrayLike) -> list[str]:
    """The SMILES of a list, an array `[n]` or `[n, 1]`, or a column of a table."""
    if issparse(X):
        raise TypeError("X is sparse data, which is not supported; give a dense column of SMILES")
    column = np.asarray(X, dtype=object)  # of molecules too, which become SMILES
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise ValueError(f"Expected 2D array with one column of SMILES, or 1D array, got the shape {column.shape}")
    if len(column) == 0:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
    texts = structure_list(column.tolist())
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ValueError(f"X holds {wrong!r}; it must be a column of SMILES")
    return [str(text) for text in texts]


def _labels(y: ArrayLike, n_rows: int) -> NDArray[Any]:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    labels = column_or_1d(np.asarray(y), warn=True)
    if len(labels) != n_rows:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[n_rows, len(labels)]}")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("Input y contains NaN or infinity.")
    return np.asarray(labels)


def _dataset(texts: list[str], labels: NDArray[np.float64], kind: TaskKind) -> Dataset:
    """The rows as a data set.

    Rows of one structure are merged: values by their median, contradicting classes by majority, so that no row of an
    estimator is dropped.
    """
    standard: list[str] = []
    rows_of: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        smiles = standardize_smiles(text, "default", row=row)
        key = smiles if isinstance(smiles, Rejected) else canonical_smiles(smiles, row=row)
        if isinstance(smiles, Rejected) or isinstance(key, Rejected):
            reason = key.reason if isinstance(key, Rejected) else ""
            raise ValueError(f"row {row} of X, {text!r}, gives no molecule: {reason}")  # noqa: TRY004
        standard.append(smiles)
        rows_of.setdefault(key, []).append(row)
    first = [rows[0] for rows in rows_of.values()]
    merged = np.array([[np.median(labels[rows])] for rows in rows_of.values()])
    if kind == "classification":
        merged = (merged > 0.5).astype(np.float64)
    try:
        return Dataset(
            name="X, y",
            smiles=tuple(standard[row] for row in first),
            ids=tuple(str(row) for row in first),
            labels=Labels(merged),
            weights=np.array([float(len(rows)) for rows in rows_of.values()]),
            tasks=(TaskSpec("y", kind),),
            rejected=(),
            merges=MergeReport(),
            rows_read=len(first),
        )
    except InputError as error:
        raise ValueError(str(error)) from error

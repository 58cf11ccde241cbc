"""Evidential heads: a distribution over the distributions that the label may come from, in one pass of one model.

Values: a normal-inverse-gamma distribution (Amini et al. 2020, arXiv:1910.02600; for molecules Soleimany et al. 2021,
doi:10.1021/acscentsci.1c00546). Classes: a beta distribution (Sensoy et al. 2018, arXiv:1806.01768).
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import softplus

from molgraph.models.heads.head import Head, Moments
from molgraph.results.tasks import TaskKind

#: Weight of the penalty on evidence for wrong values: that of Soleimany et al. for molecules.
VALUE_PENALTY = 0.2

#: Weight of the penalty on evidence for the wrong class.
CLASS_PENALTY = 0.1

#: Keeps the variance β/(α - 1) finite.
_MARGIN = 1e-2


def _parameters(raw: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """γ, ν, α and β of equation 5 of Amini et al."""
    gamma, nu, alpha, beta = raw.unbind(-1)
    return gamma, softplus(nu) + _MARGIN, softplus(alpha) + 1.0 + _MARGIN, softplus(beta) + _MARGIN**2


def _value_moments(raw: Tensor) -> Moments:
    gamma, nu, alpha, beta = _parameters(raw)
    aleatoric = beta / (alpha - 1.0)
    return Moments(gamma, aleatoric_var=aleatoric, epistemic_var=aleatoric / nu)


def _student_likelihood(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:  # noqa: ARG001
    """Equation 8: the label has a Student t distribution once mean and variance are integrated out."""
    gamma, nu, alpha, beta = _parameters(raw)
    omega = 2.0 * beta * (1.0 + nu)
    return (
        0.5 * torch.log(math.pi / nu)
        - alpha * torch.log(omega)
        + (alpha + 0.5) * torch.log((target - gamma).square() * nu + omega)
        + torch.lgamma(alpha)
        - torch.lgamma(alpha + 0.5)
    )


def _penalised_likelihood(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:
    """Equations 9 and 10: evidence 2ν + α costs as much as the value is wrong."""
    gamma, nu, alpha, _ = _parameters(raw)
    likelihood = _student_likelihood(raw, target, positive_weight)
    return likelihood + VALUE_PENALTY * (target - gamma).abs() * (2.0 * nu + alpha)


def _evidence(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Parameters of the beta distribution for class 0 and class 1, from 1 upwards."""
    zero, one = (softplus(raw) + 1.0).unbind(-1)
    return zero, one


def _class_moments(raw: Tensor) -> Moments:
    zero, one = _evidence(raw)
    total = zero + one
    probability = one / total
    return Moments(probability, epistemic_var=probability * (1.0 - probability) / (total + 1.0))


def _bayes_risk(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:
    """Equation 5 of Sensoy et al.: the expected squared error of the probability."""
    moments = _class_moments(raw)
    weight = 1.0 + (positive_weight - 1.0) * target
    variance = moments.epistemic_var
    return weight * ((target - moments.mean).square() + (0.0 if variance is None else variance))


def _penalised_risk(raw: Tensor, target: Tensor, positive_weight: Tensor) -> Tensor:
    """Evidence for the wrong class costs its divergence from none: KL(Beta(a, 1) | Beta(1, 1)) = ln a - (a - 1)/a."""
    zero, one = _evidence(raw)
    wrong = target * zero + (1.0 - target) * one
    return _bayes_risk(raw, target, positive_weight) + CLASS_PENALTY * (torch.log(wrong) - (wrong - 1.0) / wrong)


EVIDENTIAL_VALUE = Head(n_outputs=4, loss=_penalised_likelihood, watch=_student_likelihood, moments=_value_moments)
EVIDENTIAL_CLASS = Head(n_outputs=2, loss=_penalised_risk, watch=_bayes_risk, moments=_class_moments)

HEADS: Mapping[TaskKind, Head] = MappingProxyType({"regression": EVIDENTIAL_VALUE, "classification": EVIDENTIAL_CLASS})

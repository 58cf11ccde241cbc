"""The table of the speed comparison."""

from collections.abc import Mapping

import numpy as np
from speed_cases import Case


def report(cases: Mapping[str, Case]) -> str:
    """Two lines for each case: what is judged, its figure, target and verdict; then the medians behind it."""
    if not cases:
        return "no figures"
    width = max(len(case.title) for case in cases.values())
    lines = []
    for case in cases.values():
        lines.append(f"{case.title:<{width}}  {case.figure:>9.4g}  {_target(case):<14}  {case.verdict}")
        medians = (f"{side} {_number(float(np.median(values)))}" for side, values in case.values.items())
        lines.append(f"    {', '.join(medians)} {case.unit}")
    return "\n".join(lines)


def _target(case: Case) -> str:
    if case.at_least is not None:
        return f"at least {case.at_least:.3g}"
    return "" if case.at_most is None else f"at most {case.at_most:.3g}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"

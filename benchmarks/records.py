"""Records of measurements: what each holds, how it is checked, how it is written."""

import json
import math
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from molgraph.parallel.cpu import usable_cores

RESULTS = Path(__file__).resolve().parent / "results"
FORMAT_VERSION = 1

_COMMON = {"format_version": int, "kind": str, "date": str, "versions": dict, "data_sha256": dict}
_FIELDS = {
    "uncertainty": {
        "data_set": str,
        "split": str,
        "epochs": int,
        "intervals": list,
        "spreads": list,
        "classes": list,
        "selections": list,
        "shifts": list,
    },
    "presets": {
        "data_set": str,
        "split": str,
        "settings": dict,
        "intervals": list,
        "spreads": list,
        "classes": list,
        "selections": list,
        "shifts": list,
    },
    "soak": {"machine": dict, "seconds": float, "kills": int, "identical": int, "rounds": list},
    "encoders": {"machine": dict, "settings": dict, "encoders": list},
    "speed": {"machine": dict, "settings": dict, "cases": dict, "failed": list},
}
_CASE_FIELDS = {
    "title": str,
    "unit": str,
    "values": dict,
    "commands": dict,
    "figure": float,
    "target": dict,
    "verdict": str,
}
#: What each entry of a list has at least.
_ENTRY_FIELDS = {
    "intervals": {"learner": str, "method": str, "rows": str, "seed": int, "coverage": float, "width": float},
    "spreads": {"learner": str, "method": str, "rows": str, "seed": int, "ence": float, "miscalibration_area": float},
    "classes": {"learner": str, "method": str, "rows": str, "seed": int, "kind": str},
    "selections": {"learner": str, "method": str, "kind": str, "seed": int, "q": float, "fdr": float, "power": float},
    "shifts": {"seed": int, "auc": float, "fires": bool},
    "encoders": {"hidden": int, "depth": int, "r2": float, "scores": dict, "rates": list},
}
_PRIVATE_PATH = re.compile(r"(?:^|[\s\"'=])(?:/[\w.-]+){2,}|[A-Za-z]:\\")


def check_record(record: Mapping[str, Any]) -> None:
    """Passes a record that is complete and holds finite numbers and no path of the machine that made it.

    Raises:
        ValueError: It is not one; says which field.
    """
    if record.get("kind") not in _FIELDS or record.get("format_version") != FORMAT_VERSION:
        raise ValueError(f"kind {record.get('kind')!r}, format {record.get('format_version')!r}: not a known record")
    _check_fields(record, {**_COMMON, **_FIELDS[record["kind"]]}, "record")
    for name, case in record.get("cases", {}).items():
        _check_fields(case, _CASE_FIELDS, f"case {name}")
        if not case["values"] or not all(case["values"].values()):
            raise ValueError(f"case {name}: a side has no raw values")
    for section, fields in _ENTRY_FIELDS.items():
        for entry in record.get(section, []):
            _check_fields({name: entry.get(name) for name in fields}, fields, section)
    _check_leaves(record, "record")
    datetime.fromisoformat(record["date"])


def write_record(record: Mapping[str, Any], path: Path) -> None:
    """Checks a record and writes it, completely or not at all."""
    check_record(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)


def read_record(path: Path) -> dict[str, Any]:
    """A checked record from a file."""
    record = json.loads(path.read_text(encoding="utf-8"))
    check_record(record)
    return record


def new_record(kind: str, versions: Mapping[str, Any], data_sha256: Mapping[str, str]) -> dict[str, Any]:
    """The fields that all records have."""
    return {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {"python": platform.python_version(), **versions},
        "data_sha256": dict(data_sha256),
    }


def machine() -> dict[str, Any]:
    """What the speed depends on: system, processor and the cores that may be used. No host name."""
    processor = _processor()
    flags = processor.get("flags", "").split()
    is_intel = processor.get("vendor_id") == "GenuineIntel"
    return {
        "system": f"{platform.system()}-{platform.machine()}".lower(),
        "cpu": processor.get("model name", platform.processor() or "unknown"),
        "cores": usable_cores(),
        "fast_bfloat16": "amx_bf16" in flags or ("avx512_bf16" in flags and not is_intel),
    }


def _processor() -> dict[str, str]:
    """The fields of /proc/cpuinfo; empty where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, value in (line.split(":", 1) for line in lines if ":" in line)}


def _check_fields(holder: Mapping[str, Any], fields: Mapping[str, type], where: str) -> None:
    missing, unknown = fields.keys() - holder.keys(), holder.keys() - fields.keys()
    if missing or unknown:
        raise ValueError(f"{where}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    for name, kind in fields.items():
        if type(holder[name]) is not kind:
            raise ValueError(f"{where}: {name} is {holder[name]!r}; it must be of type {kind.__name__}")


def _check_leaves(value: object, where: str) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _check_leaves(item, f"{where}.{name}")
    elif isinstance(value, list):
        for item in value:
            _check_leaves(item, where)
    elif isinstance(value, str):
        if _PRIVATE_PATH.search(value):
            raise ValueError(f"{where} holds a path of the machine: {value!r}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is not a finite number")

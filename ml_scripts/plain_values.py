"""What a verb found as plain values: text, whole numbers, numbers, yes and no, nothing, lists and named values."""

import math
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: NaN and infinity are null, instants ISO 8601, everything unknown its text.

    >>> plain({"skill": float("nan"), "day": date(2025, 1, 2), "points": np.array([0.5, np.inf])})
    {'skill': None, 'day': '2025-01-02', 'points': [0.5, None]}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (np.ndarray, np.generic)):
        return _of_array(np.asarray(value))
    if isinstance(value, (list, tuple, Set)):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else str(value)


def _of_array(values: Any) -> Any:
    if values.dtype.kind == "M":
        days = [None if np.isnat(each) else str(each) for each in values.ravel()]
        return days if values.ndim else days[0]
    return plain(values.tolist())

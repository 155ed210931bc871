"""One row asked of a LightGBM booster without what the Python package does around a call: about 30 microseconds each.

It is LightGBM's own C function for that, set up once for a booster and a kind of answer. The answer is the one of
`Booster.predict`, bit for bit.
"""

import ctypes
import threading
import weakref
from typing import Any, Final, Literal

import numpy as np
from lightgbm.basic import _LIB, _safe_call  # type: ignore[attr-defined]  # there is no public way to the C function

from ml_models.metadata import Matrix

Kind = Literal["answer", "margin", "contribution"]
_KINDS: Final[dict[Kind, int]] = {"answer": 0, "margin": 1, "contribution": 3}  # C_API_PREDICT_*
_FLOAT64: Final = 1


class SingleRow:
    """Answers one row at a time; safe to share between threads, which wait for each other."""

    def __init__(self, booster: Any, kind: Kind, inputs: int, outputs: int) -> None:
        self._booster = booster  # lives as long as this: its trees are not copied
        self._row, self._output = np.empty(inputs), np.empty(outputs)
        self._written = ctypes.c_int64()
        self._lock = threading.Lock()
        config = ctypes.c_void_p()
        _safe_call(
            _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(_KINDS[kind]),
                ctypes.c_int(0),
                ctypes.c_int(booster.best_iteration),  # as `Booster.predict` does; 0 and below: all trees
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(inputs),
                b"num_threads=1",
                ctypes.byref(config),
            )
        )
        weakref.finalize(self, _LIB.LGBM_FastConfigFree, config)
        self._arguments = (
            config,
            ctypes.c_void_p(self._row.ctypes.data),
            ctypes.byref(self._written),
            ctypes.c_void_p(self._output.ctypes.data),
        )

    def __call__(self, row: Matrix) -> Matrix:
        """Return the answer (1, outputs) to `row` (1, inputs), float64."""
        with self._lock:
            self._row[:] = row[0]
            _safe_call(_LIB.LGBM_BoosterPredictForMatSingleRowFast(*self._arguments))
            return self._output.reshape(1, -1).copy()

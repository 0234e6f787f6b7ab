"""Boosted trees as plain arrays: stored without pickles, evaluated by NumPy, so that forecasts need no scikit-learn."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FIELDS = ("feature", "threshold", "left", "right", "value", "missing_left")


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees of a regression, each array of shape `(trees, nodes)`; a leaf is its own child on both sides.

    `baseline` is what is said before the first tree, and `depth` the number of steps from a root to the farthest leaf.
    """

    baseline: float
    depth: int
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats
    missing_left: NDArray[np.bool_]

    @classmethod
    def of(cls, model: Any) -> "Trees":
        """Return the trees of a fitted `HistGradientBoostingRegressor` without categories."""
        grown = [predictors[0].nodes for predictors in model._predictors]
        most = max(map(len, grown), default=1)
        shape = (len(grown), most)
        itself = np.broadcast_to(np.arange(most), shape)
        feature, left, right = np.zeros(shape, dtype=np.int64), itself.copy(), itself.copy()
        threshold, value, missing_left = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        for row, nodes in enumerate(grown):
            inner = nodes["is_leaf"] == 0
            places = np.flatnonzero(inner)
            feature[row, places] = nodes["feature_idx"][inner]
            threshold[row, places] = nodes["num_threshold"][inner]
            left[row, places], right[row, places] = nodes["left"][inner], nodes["right"][inner]
            missing_left[row, places] = nodes["missing_go_to_left"][inner] != 0
            value[row, : len(nodes)] = nodes["value"]
        depth = max((int(nodes["depth"].max()) for nodes in grown), default=0)
        baseline = float(np.ravel(model._baseline_prediction)[0])
        return cls(baseline, depth, feature, threshold, left, right, value, missing_left)

    def predict(self, rows: Floats) -> Floats:
        """Return what the trees say of rows of features; NaN is a feature without a value."""
        trees = np.arange(len(self.feature))
        node = np.zeros((len(rows), len(trees)), dtype=np.int64)
        row = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            value = rows[row, self.feature[trees, node]]
            goes_left = np.where(np.isnan(value), self.missing_left[trees, node], value <= self.threshold[trees, node])
            node = np.where(goes_left, self.left[trees, node], self.right[trees, node])
        found: Floats = self.baseline + self.value[trees, node].sum(axis=1)
        return found

    def to_bytes(self) -> bytes:
        """Return the trees as a compressed archive of arrays."""
        file = BytesIO()
        arrays = {name: getattr(self, name) for name in _FIELDS}
        np.savez_compressed(file, baseline=self.baseline, depth=self.depth, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Trees":
        """Return the trees of an archive; nothing in it is run."""
        with np.load(BytesIO(stored), allow_pickle=False) as arrays:
            return cls(
                float(arrays["baseline"]), int(arrays["depth"]), *(arrays[name] for name in _FIELDS)
            )  # fmt: skip

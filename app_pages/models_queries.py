"""What the Models page asks the shelf and the journal."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import streamlit as st

from ml_data.journal import judged_predictions
from ml_data.store import Store
from ml_models.documents import DamagedVersion
from ml_models.model_version import VersionSummary
from ml_models.published import PublishedVersion
from ml_monitoring.comparison import Comparison, compare
from trading.domain.instrument import Instrument

if TYPE_CHECKING:
    from ml_models.model_registry import ModelRegistry


@dataclass(frozen=True)
class ShelfRow:
    """One version on the shelf; `problem` says why its files cannot be shown, then there is no `published`."""

    summary: VersionSummary
    published: PublishedVersion | None
    problem: str | None = None


def models_of(registry: "ModelRegistry", instrument: Instrument) -> tuple[str, ...]:
    """Return the models of `instrument` on the shelf, that of the direction first."""
    symbol = instrument.symbol
    named = [model for model in registry.models() if symbol in model.split("-")]
    return tuple(sorted(named, key=lambda model: (not model.startswith("directional-"), model)))


def shelf_of(registry: "ModelRegistry", model: str) -> tuple[ShelfRow, ...]:
    """Return the versions of `model`, newest first, after all others those that no pointer may name.

    A version never changes, so its files are read once a process.
    """
    newest_first = reversed(registry.versions(model))
    ordered = sorted(newest_first, key=lambda summary: summary.candidate or summary.rejected is not None)
    return tuple(_row(registry, model, summary) for summary in ordered)


def _row(registry: "ModelRegistry", model: str, summary: VersionSummary) -> ShelfRow:
    if summary.problem is not None or summary.version_hash is None:
        return ShelfRow(summary, None, summary.problem)
    try:
        return ShelfRow(summary, _published(str(registry.root), model, summary.version_hash, registry, summary))
    except DamagedVersion as error:
        return ShelfRow(summary, None, str(error))


@st.cache_data(max_entries=100, show_spinner=False)
def _published(
    root: str,  # noqa: ARG001 - root, model and hash are what is kept by
    model: str,
    version_hash: str,  # noqa: ARG001
    _registry: "ModelRegistry",
    _summary: VersionSummary,
) -> PublishedVersion:
    return _registry.published(model, _summary.version)


def comparison(
    store: Store, symbol: str, model: str, version: str, other: str, known_by: datetime | None
) -> Comparison:
    """Return how two versions did on the events of the journal that both answered, as known at `known_by`."""
    rows = judged_predictions(store, instrument=symbol, model=model, known_by=known_by)
    return compare(rows, version, other)


def answered_by(store: Store, symbol: str, model: str, known_by: datetime | None) -> dict[str, int]:
    """Return how many forecasts each version of `model` has in the journal."""
    versions = judged_predictions(store, instrument=symbol, model=model, known_by=known_by)["version"].to_pylist()
    return {version: versions.count(version) for version in sorted(set(versions))}

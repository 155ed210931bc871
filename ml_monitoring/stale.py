"""Everything of an instrument that was built on bars a vendor changed since, by id: history to versions."""

from collections.abc import Iterator

from ml_data.staleness import Made, Stale, predictions_made, snapshots_made, stale, stale_history, up_to
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from trading.domain.instrument import Instrument
from trading.errors import HubError


def built_on_revised_bars(store: Store, registry: ModelRegistry, instrument: Instrument) -> tuple[Stale, ...]:
    """Return what is stale: history that waits for `hub build`, snapshots, versions, predictions."""
    made = [
        *snapshots_made(store, instrument),
        *versions_made(registry, instrument),
        *predictions_made(store, instrument),
    ]
    return (*stale_history(store, instrument), *stale(store, instrument, made))


def versions_made(registry: ModelRegistry, instrument: Instrument, model: str | None = None) -> list[Made]:
    """Return the versions of an instrument (of one model, or of all) with the bars they were made from, by model."""
    return [
        made for each in registry.models() if model in (None, each) for made in _versions_of(registry, each, instrument)
    ]


def _versions_of(registry: ModelRegistry, model: str, instrument: Instrument) -> Iterator[Made]:
    for summary in registry.versions(model):
        if summary.created_at is None:
            continue  # its manifest cannot be read: `hub models verify` says so
        try:
            metadata = registry.metadata(model, str(summary.version))
        except HubError:
            continue  # likewise
        if metadata.instrument == instrument.symbol and metadata.ranges:
            last_day = max(each.last_day for each in metadata.ranges)
            name = f"{model} {summary.version}"
            yield Made("versions", name, name, summary.created_at, (up_to(instrument, last_day),))

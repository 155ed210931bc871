"""What is known of a model's champion when it is asked whether to train it again: from the shelf and the stores."""

from datetime import datetime

from ml_data.retrainings import alarms_of, outcome_days, retrainings_of, whole_days
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_models.pointers import CHAMPION, LATEST
from ml_training.due import Facts
from trading.domain.instrument import Instrument
from trading.errors import CheckFailed, NothingStored


def champion_of(registry: ModelRegistry, model: str) -> str:
    """Return the version that answers: the champion, or the newest that was trained where none was chosen.

    Raises
    ------
    NothingStored
        when nothing is published.
    """
    if model in registry.models():
        for alias in (CHAMPION, LATEST):
            pointer = registry.alias(model, alias)
            if pointer is not None:
                return str(pointer.version)
    raise NothingStored(f"{model}: nothing is published yet, so there is no champion to beat. Train one: hub train")


def facts_of(
    store: Store, registry: ModelRegistry, instrument: Instrument, model: str, champion: str, now: datetime
) -> Facts:
    """Return what is known at `now` of version `champion` of `model`, of every retraining whatever the clock says."""
    published = registry.published(model, champion)
    through = max((days.last_day for days in published.metadata.ranges), default=None)
    if through is None:
        raise CheckFailed(f"{model} {champion} does not say which days it has seen: it cannot be compared; train anew.")
    return Facts(
        champion=champion,
        made_at=published.manifest.created_at,
        through=through,
        outcomes=outcome_days(store, model, through, now),
        alarms=alarms_of(store, model, champion, now),
        history=retrainings_of(store, model),
        days=whole_days(store, instrument.symbol, through),
    )

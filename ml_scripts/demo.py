"""`hub demo`: a synthetic market that says so: bars, history, a first model, 60 replayed shadow days."""

from datetime import date
from typing import Any

import pyarrow as pa

from ml_data.build import build
from ml_data.demo_market import demo_bars
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference.roster import only
from ml_models.model_registry import ModelRegistry
from ml_models.pointers import LATEST
from ml_scripts import settle as settle_verb
from ml_scripts import shadow as shadow_verb
from ml_scripts.console import Hub, JsonFlag, now, opened, progress, run, say
from ml_scripts.demo_state import SYMBOL
from ml_training.recipe import shipped_recipe
from ml_training.train_pipeline import train
from ml_training.train_report import describe_training
from trading.domain.calendar import as_date
from trading.domain.instrument import Instrument

SEED = 103
FIRST_DAY, LAST_DAY = date(2023, 1, 2), date(2026, 1, 30)
SHADOW_DAYS = 60


def command(as_json: JsonFlag = False) -> None:
    """Make the demo market, or what of it is still missing."""
    with opened() as hub:
        result = make_demo(hub, as_json=as_json)
    say([], result, as_json=as_json)


def make_demo(hub: Hub, *, as_json: bool = False) -> dict[str, Any]:
    """Bring the demo market, its history, its model and its shadow days into the home folder; done twice, once.

    Returns what was done; says it in lines, but with `as_json` not.
    """
    instrument = hub.instrument(SYMBOL)
    say("This market is synthetic: a random walk without any edge. It shows what honesty looks like.", as_json=as_json)
    _bars(hub.store, instrument)
    report = build(hub.store, instrument)
    say(f"History of {instrument.symbol}: {report.days:,} trading days built.", as_json=as_json)
    days = _trading_days(hub.store)
    model = shadow_verb.engine_of(hub, instrument).model
    if not _is_published(hub.registry, model):
        with progress("training") as advance:
            trained = train(
                hub.store,
                hub.registry,
                instrument,
                shipped_recipe(shadow_verb.DIRECTIONAL),
                until=days[-SHADOW_DAYS - 1],
                now=now(),
                who="hub demo",
                progress=lambda _step, done, total: advance(done, total),
            )
        say(describe_training(trained), as_json=as_json)
    span = (days[-SHADOW_DAYS].isoformat(), days[-1].isoformat())
    by_seat, settled = shadow_verb.replay_days(hub, instrument, span, only(hub.registry, model, LATEST).seats)
    [replayed] = by_seat.values()
    say(
        [shadow_verb.describe(instrument.symbol, replayed), settle_verb.describe(instrument.symbol, settled)],
        as_json=as_json,
    )
    return {"days": span, "shadow": replayed, "settled": settled}


def _is_published(registry: ModelRegistry, model: str) -> bool:
    """Return whether a version is published; a training that was interrupted may leave a folder without one."""
    return model in registry.models() and registry.alias(model, LATEST) is not None


def _bars(store: Store, instrument: Instrument) -> None:
    """Store the synthetic bars, month by month."""
    with progress("demo market") as advance:
        months = (LAST_DAY.year - FIRST_DAY.year) * 12 + LAST_DAY.month - FIRST_DAY.month + 1
        tables: list[pa.Table] = []
        for done, table in enumerate(demo_bars(instrument, FIRST_DAY, LAST_DAY, SEED), start=1):
            tables.append(table)
            advance(done, months)
    ingest_bars(store, instrument, tables, source_name=f"demo market (synthetic), seed {SEED}", now=now())


def _trading_days(store: Store) -> list[date]:
    with store.market() as cursor:
        rows = cursor.execute(
            "SELECT trading_day FROM market.contract_days WHERE instrument = ? ORDER BY 1", [SYMBOL]
        ).fetchnumpy()
    return [as_date(day) for day in rows["trading_day"]]


if __name__ == "__main__":
    run(command)

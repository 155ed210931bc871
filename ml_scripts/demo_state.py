"""How far the demo market is made: asked on every start of the hub, so it needs no more than the store."""

from typing import Final

from ml_data.store import Store

SYMBOL: Final = "DEMO"


def is_complete(store: Store) -> bool:
    """Return whether the demo was made to its end: its last shadow day is in the journal."""
    with store.market() as market:
        days = market.execute("SELECT max(trading_day) FROM market.contract_days WHERE instrument = ?", [SYMBOL])
        last = days.fetchall()[0][0]
    with store.journal() as journal:
        logged = journal.execute("SELECT max(trading_day) FROM journal.ml_predictions WHERE instrument = ?", [SYMBOL])
        return last is not None and logged.fetchall()[0][0] == last

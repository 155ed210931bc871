"""A trade rule on stored history, alone and with a model's advice: the same trades as training and settlement know.

Advice is what the journal holds of one version, live or replayed, for days that it was not trained on; nothing is asked
anew here, so nothing can be asked with knowledge of the future. The plain rule stands beside it on the same trades.
"""

import hashlib
import math
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.journal import judged_predictions
from ml_data.store import Store, sql
from ml_data.trials import Trial
from ml_models.intervals import Estimate, mean_interval, share_interval
from ml_models.selection import DeflatedSharpe, deflated_sharpe, sharpe_ratio
from ml_models.verdicts import Verdict, counted
from ml_monitoring.sentences import describe_help, describe_taken
from trading.backtester import Backtest, Floats, Trades, backtest
from trading.domain.advice import takes_the_break
from trading.domain.trade_rule import rule_named
from trading.errors import HubError


@dataclass(frozen=True)
class Asked:
    """Which trades: those of `rule` in the trading days `first` to `last`; None lets every value through.

    `weekday` is 1 (Monday) to 7.
    """

    instrument: str
    rule: str
    first: date
    last: date
    orb: str | None = None
    direction: str | None = None
    weekday: int | None = None

    @property
    def family(self) -> str:
        """What is chosen among when rules and filters are tried: all backtests of rules on one instrument."""
        return f"backtest-{self.instrument}"


@dataclass(frozen=True, eq=False)
class Run:
    """What one way of trading came to: `net` and `gross` in R a trade to take or leave, `won` of those taken."""

    trades: int
    taken: int
    won: Estimate
    gross: Estimate
    net: Estimate
    costs: float
    expired: int
    ambiguous: int
    came_to: Backtest


@dataclass(frozen=True, eq=False)
class Advised:
    """The same trades with and without the advice of one version: those that it answered, of `asked_for` in all.

    `difference` is the net R a trade that following the advice added, `kept` the net R of the trades that it takes.
    """

    model: str
    version: str
    asked_for: int
    replayed: int
    plain: Run
    followed: Run
    difference: Estimate
    kept: Estimate
    verdict: Verdict
    help: Verdict


def stored_trades(store: Store, asked: Asked) -> tuple[Trades, str]:
    """Return the closed trades that are asked for, and a hash of them: equal trades have equal hashes.

    Raises
    ------
    HubError
        when there is none.
    """
    rule_named(asked.rule)
    with store.market() as cursor:
        rows = cursor.sql(sql("backtest_trades"), params=asdict(asked)).to_arrow_table()
    if rows.num_rows == 0:
        raise HubError(
            f"{asked.instrument}: no closed trade of {asked.rule} fits from {asked.first} to {asked.last}. Build the "
            f"history (hub build --instrument {asked.instrument}), or take a filter away."
        )
    digest = hashlib.sha256()
    for row in rows.to_pylist():
        digest.update(repr(tuple(row.values())).encode())
    result = rows["result"].to_numpy(zero_copy_only=False)
    trades = Trades(
        days=rows["trading_day"].to_numpy().astype("datetime64[D]"),
        orb=rows["orb"].to_numpy(zero_copy_only=False),
        direction=rows["direction"].to_numpy(zero_copy_only=False),
        r_gross=rows["r_gross"].to_numpy().astype(np.float64),
        r_net=rows["r_net"].to_numpy().astype(np.float64),
        won=result == "win",
        expired=result == "expired",
        ambiguous=rows["ambiguous"].to_numpy(zero_copy_only=False).astype(bool),
    )
    return trades, digest.hexdigest()


def spanned(asked: Asked, first: date, last: date) -> Asked:
    """Return the question with the trading days that there are trades of."""
    return replace(asked, first=first, last=last)


def run_of(trades: Trades, share: Floats | None = None) -> Run:
    """Return what `trades` came to with `share` (n,) of the full size each (None: all of it)."""
    size = np.ones(len(trades)) if share is None else share
    taken = size > 0
    return Run(
        trades=len(trades),
        taken=int(taken.sum()),
        won=share_interval(trades.won[taken], trades.days[taken]),
        gross=mean_interval(trades.r_gross * size, trades.days),
        net=mean_interval(trades.r_net * size, trades.days),
        costs=float(((trades.r_gross - trades.r_net) * size).mean()),
        expired=int(trades.expired[taken].sum()),
        ambiguous=int(trades.ambiguous[taken].sum()),
        came_to=backtest(trades, size),
    )


def advised_run(store: Store, asked: Asked, trades: Trades, model: str, version: str) -> Advised:
    """Return what following `version` of `model` came to on those of `trades` that it answered.

    Raises
    ------
    HubError
        when it answers for another rule, or answered none of them.
    """
    rows = _answers(store, asked, model, version)
    _check_question(rows, asked, model, version)
    said = {
        (row["trading_day"], row["orb"]): (row["advice"], row["advised_size"], bool(row["replayed"]))
        for row in rows.to_pylist()
    }
    keys = list(zip(trades.days.tolist(), trades.orb.tolist(), strict=True))
    answered = np.array([key in said for key in keys], dtype=bool)
    if not answered.any():
        raise HubError(_unanswered(asked, model, version))
    mine = trades.where(answered)
    known = [said[key] for key, has in zip(keys, answered, strict=True) if has]
    share = np.array(
        [
            float(takes_the_break(advice, side)) * (1.0 if size is None else size)
            for (advice, size, _), side in zip(known, mine.direction.tolist(), strict=True)
        ]
    )
    plain, followed = run_of(mine), run_of(mine, share)
    taken = share > 0
    kept = mean_interval(mine.r_net[taken], mine.days[taken])
    difference = mean_interval(mine.r_net * share - mine.r_net, mine.days)
    return Advised(
        model=model,
        version=version,
        asked_for=len(trades),
        replayed=sum(replayed for _, _, replayed in known),
        plain=plain,
        followed=followed,
        difference=difference,
        kept=kept,
        verdict=describe_taken(kept, len(mine)),
        help=describe_help(difference, int(taken.sum()), plain.came_to.total, followed.came_to.total),
    )


def chosen_among(run: Run, trials: tuple[Trial, ...]) -> DeflatedSharpe:
    """Return the deflated Sharpe ratio of `run`; `trials` are all of its family, it among them."""
    sharpes = [math.nan if trial.result.sharpe is None else trial.result.sharpe for trial in trials]
    return deflated_sharpe(run.came_to.by_day, np.array(sharpes))


def sharpe_of(run: Run) -> float | None:
    """Return the Sharpe ratio of a trading day, not annualised; None where the days do not tell."""
    found = sharpe_ratio(run.came_to.by_day)
    return None if math.isnan(found) else found


def _answers(store: Store, asked: Asked, model: str, version: str) -> pa.Table:
    rows = judged_predictions(
        store, instrument=asked.instrument, model=model, version=version, first=asked.first, last=asked.last
    )
    return rows.filter(pc.is_null(rows["refusal_code"]))


def _check_question(rows: pa.Table, asked: Asked, model: str, version: str) -> None:
    """Raise `HubError` unless the answers are advice on the rule that is asked about."""
    if rows.num_rows == 0:
        raise HubError(_unanswered(asked, model, version))
    rule = rows["rule"][-1].as_py()
    if rule is not None and rule != asked.rule:
        raise HubError(f"{model} {version} answers for {rule}, not for {asked.rule}: hub backtest {rule}")


def _unanswered(asked: Asked, model: str, version: str) -> str:
    return (
        f"{model} {version} answered none of these trades. Let it: hub shadow --instrument {asked.instrument} --replay "
        f"{asked.first} {asked.last} --version {version} (days that it was trained on it refuses)."
    )


def describe(run: Run, name: str) -> list[str]:
    """Return a run in words: what a trade earned, how it ended, and the way there."""
    came = run.came_to
    return [
        f"{name}: net {_r(run.net)} a trade, {came.total:+.1f} R in all; gross {_r(run.gross)}, costs {run.costs:.3f}.",
        f"  {counted(run.taken, 'trade')} taken of {run.trades:,} on {run.net.days:,} days, worth "
        f"{run.net.n_effective:,.0f} independent ones; won {_share(run.won)}; {run.expired:,} expired, "
        f"{run.ambiguous:,} ambiguous (booked as losses).",
        f"  Deepest fall of closed trades {came.deepest_fall:+.1f} R; longest below a high "
        f"{counted(came.longest_fall, 'trading day')}.",
    ]


def describe_advised(found: Advised) -> list[str]:
    """Return both runs in words, and what the advice added."""
    answered = found.plain.trades
    return [
        f"{found.model} {found.version} answered {answered:,} of these {counted(found.asked_for, 'trade')} "
        f"({found.replayed:,} by replay). On those:",
        *describe(found.plain, "Rule alone"),
        *describe(found.followed, "With advice"),
        f"Advice ({found.verdict.state}): {found.verdict.sentence}",
        f"Help ({found.help.state}): {found.help.sentence}",
    ]


def describe_choice(found: DeflatedSharpe, family: str) -> str:
    """Return how much of the result may be the choosing."""
    tried = (
        f"The first trial of {family}" if found.trials == 1 else f"One of {found.trials:,} trials of {family} so far"
    )
    if math.isnan(found.undeflated):
        return f"{tried}; {counted(found.days, 'day')} do not tell a Sharpe ratio."
    chance = f"{tried}. Sharpe ratio a day {found.sharpe:+.3f}: the chance that it truly earns anything is"
    if found.trials == 1:
        return f"{chance} {found.undeflated:.1%}."
    return (
        f"{chance} {found.undeflated:.1%}; that it beats the best of {found.trials:,} without any edge, "
        f"{found.probability:.1%} (95 % is the usual bar)."
    )


def _r(found: Estimate) -> str:
    if math.isnan(found.low):
        return f"{found.value:+.3f} R (too few days for an interval)"
    return f"{found.value:+.3f} R [{found.low:+.3f}, {found.high:+.3f}]"


def _share(found: Estimate) -> str:
    if math.isnan(found.low):
        return "none" if found.n == 0 else f"{found.value:.1%}"
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"

"""`hub settle`: gives every prediction whose outcome is known by now what really happened."""

from ml_monitoring.outcome_logger import SettleReport, settle
from ml_scripts.console import InstrumentOption, JsonFlag, now, opened, run, say


def command(instrument: InstrumentOption = None, as_json: JsonFlag = False) -> None:
    """Settle the predictions of one instrument."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        report = settle(hub.store, chosen, now=now())
    say(describe(chosen.symbol, report), report, as_json=as_json)


def describe(symbol: str, report: SettleReport) -> str:
    """Return what settling came to, in words."""
    corrected = (
        f" {report.corrected:,} earlier outcomes were corrected: their bars changed." if report.corrected else ""
    )
    if report.looked_at == 0:
        return f"{symbol}: no prediction is waiting for its outcome.{corrected}"
    return (
        f"{symbol}: {report.looked_at:,} predictions waited; {report.matured:,} matured, {report.void:,} void, "
        f"{report.pending:,} still pending.{corrected}"
    )


if __name__ == "__main__":
    run(command)

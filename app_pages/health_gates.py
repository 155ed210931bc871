"""What the gates and monitors of one version say, as values and figures: asked of the stores once a change of them."""

import math
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final

from app_pages import monitor_charts
from app_pages.charts import Chart
from app_pages.health_view import SHAPES, TONES, plain
from app_pages.theme import Mode, UpDown, styled, tokens
from ml_data.stage_history import stage_changes, stage_of
from ml_data.store import Store, sql
from ml_models.model_registry import ModelRegistry
from ml_models.verdicts import State, Verdict
from ml_monitoring.gatekeeper import judge
from ml_monitoring.gates import Gate, GateReport
from ml_monitoring.looks import FORECASTS, INPUTS, QUALITY, Look, Monitoring, Tally, tallies
from trading.domain.advice import STAGES
from trading.domain.instrument import Instrument
from trading.settings import GateSettings

WORDS: Final[dict[State, str]] = {"good": "passed", "bad": "failed", "cannot tell": "cannot tell yet"}
_SHOWN: Final = ("days", "predictions", "skill", "net_r", "calibration", "accuracy")
_OF_LOOKS: Final[dict[str, State]] = {"alarm": "bad", "quiet": "good", "cannot tell": "cannot tell"}


@dataclass(frozen=True)
class Gates:
    """A version's gates, its figures as Vega-Lite and sentences by card, the tallies and alarms of its monitors."""

    report: GateReport
    stage: str
    figures: dict[str, dict[str, Any]]
    verdicts: dict[str, Verdict]
    tallies: tuple[Tally, ...]
    alarms: tuple[tuple[str, str, str], ...]


def stage_shown(store: Store, model: str, version: str, at: datetime) -> str:
    """Return the stage of a version at an instant."""
    return stage_of(stage_changes(store, model), version, at)


def gates(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    model: str,
    version: str,
    at: datetime,
    settings: GateSettings,
    mode: Mode,
    up_down: UpDown,
) -> Gates:
    """Return what the gates and monitors of `version` say at the instant `at`. Nothing is written."""
    report, found = judge(store, registry, instrument, model, version, at=at, settings=settings)
    asked = {"instrument": instrument.symbol, "model": model, "version": version, "known_by": at}
    with store.journal() as cursor:
        looks = cursor.execute(sql("looks_of"), asked).fetchall()
    colour = tokens(mode, up_down)
    drawn: dict[str, Chart] = {}
    if report.skill is not None:
        drawn["wealth"] = monitor_charts.wealth_chart(report, colour)
    drifts = [each for each in (found.forecasts, found.inputs) if each is not None]
    if drifts:
        drawn["drift"] = monitor_charts.drift_chart(drifts, colour)
    if found.quality is not None:
        drawn["quality"] = monitor_charts.cusum_chart(found.quality, colour)
    return Gates(
        report=report,
        stage=stage_of(stage_changes(store, model), version, at),
        figures={name: styled(chart, mode, up_down).to_dict() for name, chart in drawn.items()},
        verdicts=_verdicts(report, found),
        tallies=tallies([(row[0], row[2], row[6]) for row in looks]),
        alarms=tuple((f"{row[1]:%d %b %Y}", row[0], row[7]) for row in looks if row[2] == "alarm")[:6],
    )


def gates_title(found: Gates) -> str:
    """Return the title of the card, Markdown."""
    open_ = sum(gate.state == "good" for gate in found.report.gates)
    count = len(found.report.gates)
    end = f"may be approved for {found.report.stage}" if open_ == count else f"stays in {found.stage}"
    return f"**Gates to {found.report.stage}**: {open_} of {count} passed, {end}"


def gates_html(found: Gates) -> str:
    """Return the gates as rows: shape, title, value beside what is needed, and the sentence."""
    return f'<div class="hub-gates">{"".join(_row(gate) for gate in found.report.gates)}</div>'


def register_html(found: Gates) -> str:
    """Return the alarm register: by monitor the alarms seen beside the false ones expected so far, then the alarms."""
    rows = [
        f"<div><i>·</i><span>{escape(tally.monitor.capitalize())}</span>"
        f'<span class="value">{tally.seen} seen, {tally.expected:.1f} expected</span>'
        f'<span class="sub">{tally.looks:,} weekly looks that could tell.</span></div>'
        for tally in found.tallies
    ]
    rows += [
        f'<div><i class="tone-bad">✕</i><span>{escape(name.capitalize())}</span><span class="value">{day}</span>'
        f'<span class="sub">{escape(plain(said))}</span></div>'
        for day, name, said in found.alarms
    ]
    return f'<div class="hub-gates">{"".join(rows)}</div>' if rows else ""


def register_sentence(found: Gates) -> str:
    """Return what the register comes to."""
    if not found.tallies:
        return "No look is registered yet: hub monitor and hub gates write one a week down."
    seen, expected = sum(each.seen for each in found.tallies), sum(each.expected for each in found.tallies)
    return f"{seen} alarms seen, where {expected:.1f} false ones would be expected by now without any change."


def next_step(found: Gates) -> str:
    """Return the sentence under the gates: how approval goes, or what counts and what does not."""
    report = found.report
    if report.stage == found.stage == STAGES[-1]:
        return "There is no further stage."
    if report.passed:
        command = f"hub stage {report.model} --to {report.stage} --by NAME --why REASON"
        return f"To approve it: `{command} --evidence {report.evidence_hash[:16]}`"
    replayed = (
        f" {report.replayed:,} replayed ones are judged above and count for nothing here." if report.replayed else ""
    )
    return f"{report.live:,} live forecasts of {report.version} count.{replayed}"


def _row(gate: Gate) -> str:
    number = "" if math.isnan(gate.value) or gate.name not in _SHOWN else _number(gate.name, gate.value)
    need = (
        ""
        if math.isnan(gate.need) or not number
        else f" <span class='tone-muted'>of {_number(gate.name, gate.need)}</span>"
    )
    return (
        f'<div><i class="tone-{_tone(gate.state)}" title="{WORDS[gate.state]}">{SHAPES[gate.state]}</i>'
        f"<span>{escape(gate.title)}: {WORDS[gate.state]}</span>"
        f'<span class="value">{number}{need if gate.name not in ("calibration", "accuracy") else ""}</span>'
        f'<span class="sub">{escape(plain(gate.sentence))}</span></div>'
    )


def _number(name: str, value: float) -> str:
    if name == "calibration":
        return f"{100 * value:.1f} points"
    if name == "accuracy":
        return f"{100 * value:.1f} %"
    return f"{value:,.2f}" if name in ("skill", "net_r") and value < 20 else f"{value:,.0f}"


def _tone(state: State) -> str:
    return {"green": "good", "red": "bad", "gray": "muted"}[TONES[state]]


def _verdicts(report: GateReport, found: Monitoring) -> dict[str, Verdict]:
    by_name: dict[str, Look] = {look.monitor: look for look in found.looks}
    said = {gate.name: gate for gate in report.gates}
    forecasts, inputs, quality = by_name[FORECASTS], by_name[INPUTS], by_name[QUALITY]
    worst: State = "bad" if "alarm" in (forecasts.state, inputs.state) else _OF_LOOKS[inputs.state]
    both = f"{forecasts.sentence} {inputs.sentence}"
    bets = [said["skill"], said["net_r"]]
    state: State = next((each for each in ("bad", "cannot tell") if each in [bet.state for bet in bets]), "good")
    return {
        "wealth": Verdict(state, " ".join(dict.fromkeys(bet.sentence for bet in bets))),
        "drift": Verdict(worst, both),
        "quality": Verdict(_OF_LOOKS[quality.state], quality.sentence),
    }

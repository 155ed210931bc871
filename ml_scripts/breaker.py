"""`hub breaker`: how each code of the circuit breaker reads and stands, and arming one again by name."""

from datetime import datetime
from typing import Annotated, Any

import typer

from ml_data.breaker_log import TRIPPED, BreakerEvent, breaker_events, standing
from ml_monitoring.breaker import CODES, TITLES, Reading, rearm_rule
from ml_monitoring.breaker_watch import arm, watch
from ml_monitoring.outcome_logger import settle
from ml_scripts.console import Hub, InstrumentOption, JsonFlag, RuleOption, fail, now, opened, run, say
from ml_scripts.models import version_named
from ml_scripts.shadow import DIRECTIONAL, RecipeOption, named_model
from trading.errors import HubError
from trading.settings import BreakerSettings

SHAPES = {"armed": "✓", "tripped": "✕", "cannot tell": "…"}


def command(
    instrument: InstrumentOption = None,
    recipe: RecipeOption = DIRECTIONAL,
    rule: RuleOption = None,
    version: Annotated[str, typer.Option(help="A version, an alias, or 'latest'.")] = "latest",
    rearm: Annotated[str | None, typer.Option(help="A code to arm again, such as drawdown.")] = None,
    by: Annotated[str, typer.Option(help="Who arms it; kept with the re-arm.")] = "",
    why: Annotated[str, typer.Option(help="The reason; kept with the re-arm.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Look at the circuit breaker now: a trip takes a version to shadow at once; or arm a code again by name."""
    if rearm is not None and rearm not in CODES:
        raise HubError(f"{rearm!r} is no code of the breaker; expected one of {', '.join(CODES)}.")
    with opened() as hub:
        chosen = hub.instrument(instrument)
        model = named_model(chosen, recipe, rule)
        if model not in hub.registry.models():
            train = f"hub train {model.split('-')[0]} --instrument {chosen.symbol}"
            raise HubError(f"{model}: nothing is published yet. Train a version: {train}")
        named = version_named(hub.registry, model, version)
        if rearm is not None:
            _armed_again(hub, model, named, rearm, by, why, as_json=as_json)
            return
        at = now()
        settle(hub.store, chosen, now=at)
        look = watch(hub.store, hub.registry, chosen, model, at=at, settings=hub.settings.breaker)
        stands = standing(breaker_events(hub.store, model), named)
    readings = look.readings.get(named, ())
    moved = [f"Taken back: {move.version} is in {move.stage} now. {move.why}" for move in look.moves]
    lines = [f"{model} {named}: {_title(stands)}", *_lines(readings, stands, hub.settings.breaker), *moved]
    say(lines, _found(model, named, at, readings, stands, look.moves), as_json=as_json)


def _armed_again(hub: Hub, model: str, version: str, code: str, by: str, why: str, *, as_json: bool) -> None:
    event, reasons = arm(hub.store, model, version, code, at=now(), by=by, why=why)
    if event is None:
        refused = {"model": model, "version": version, "code": code, "refused": reasons}
        fail([f"{code} of {version} stays as it is:", *(f"  {each}" for each in reasons)], refused, as_json=as_json)
    say(f"{code} of {model} {version}: {event.sentence} Its stage stays as it is.", event, as_json=as_json)


def state_of(reading: Reading | None, event: BreakerEvent | None) -> str:
    """Return how a code stands: tripped, armed, or that it cannot tell (yet)."""
    if event is not None and event.kind in TRIPPED:
        return "tripped"
    return "armed" if reading is not None and reading.state == "within" else "cannot tell"


def _title(stands: dict[str, BreakerEvent]) -> str:
    tripped = [event.code for event in stands.values() if event.kind in TRIPPED]
    if tripped:
        return f"the circuit breaker has tripped ({', '.join(tripped)})."
    return "the circuit breaker is armed." if stands else "the circuit breaker does not watch this version."


def _lines(readings: tuple[Reading, ...], stands: dict[str, BreakerEvent], settings: BreakerSettings) -> list[str]:
    lines = []
    for reading in readings:
        event = stands.get(reading.code)
        state = state_of(reading, event)
        since = f" since {event.happened_at:%Y-%m-%d %H:%MZ}" if event is not None and state == "tripped" else ""
        lines.append(f"  {SHAPES[state]} {TITLES[reading.code]} ({reading.code}): {state}{since}. {reading.sentence}")
        if state == "tripped":
            lines.append(f"      Armed again {rearm_rule(reading.code, settings)}.")
    return lines


def _found(
    model: str,
    version: str,
    at: datetime,
    readings: tuple[Reading, ...],
    stands: dict[str, BreakerEvent],
    moves: tuple[Any, ...],
) -> dict[str, Any]:
    told = [
        {**vars(reading), "state": state_of(reading, stands.get(reading.code)), "reads": reading.state}
        for reading in readings
    ]
    tripped = any(event.kind in TRIPPED for event in stands.values())
    return {
        "model": model,
        "version": version,
        "at": at,
        "tripped": tripped,
        "codes": told,
        "log": list(stands.values()),
        "taken_back": moves,
    }


if __name__ == "__main__":
    run(command)

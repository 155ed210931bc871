"""Shadow replay, an event at a time, and where the time goes: `python -m bench.shadow_replay`.

At each decision moment of four weeks the bars since the last one are read from the store, the event is seen and asked,
and its answer is committed to the journal before anything else is read. The weeks are replayed several times, each time
on a new copy of the home; each event's least time counts, since other work on the machine only ever adds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bench.demo_home import ASKED, clock, copied, demo_home
from bench.measure import Figure
from ml_data import bar_tape, journal
from ml_inference import shadow
from ml_inference.inference_engine import MLInferenceEngine

TARGET_MS, REPLAYS = 20.0, 3
PARTS = {
    "journal": (shadow, "append_predictions"),
    "reading bars": (bar_tape.BarTape, "bars_until"),
    "features": (bar_tape, "seen_at"),
    "what a day's events share": (bar_tape, "day_background"),
    "answer and reasons": (MLInferenceEngine, "answer"),
}


def figures() -> list[Figure]:
    """Return the row of one event of a replay."""
    with demo_home() as home:
        runs = [replay(home) for _ in range(REPLAYS)]
    steps = np.min([steps for steps, _ in runs], axis=0)
    parts = {name: min(spent[name] for _, spent in runs) / len(steps) for name in PARTS}
    shares = ", ".join(f"{name} {seconds * 1e3:.1f} ms" for name, seconds in parts.items())
    middle = float(np.median(steps)) * 1e3
    work = f"one event of a replay, on disk before the next is read ({len(steps)} events, p50)"
    return [Figure(work, "–", f"{middle:.1f} ms (mean {np.mean(steps) * 1e3:.1f}: {shares})", middle, TARGET_MS, "ms")]


def replay(home: Path) -> tuple[list[float], dict[str, float]]:
    """Return the seconds of each step, and of each part over all steps."""
    with copied(home) as opened:
        loop = shadow.ShadowLoop(opened.store, opened.engine(), clock=clock, replayed=True)
        journal.known_predictions(opened.store, "", "", *ASKED)  # the journal's file is made
        steps: list[float] = []
        with timed(PARTS) as spent:
            for event in shadow.decision_moments(opened.instrument, *ASKED):
                begun = perf_counter()
                if loop.step(event).logged:
                    steps.append(perf_counter() - begun)
    return steps, spent


@contextmanager
def timed(parts: dict[str, tuple[Any, str]]) -> Iterator[dict[str, float]]:
    """Yield the seconds that calls of each part (owner, name) take within the block."""
    spent: dict[str, float] = defaultdict(float)

    def watched(label: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            begun = perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                spent[label] += perf_counter() - begun

        return call

    originals = {label: getattr(owner, name) for label, (owner, name) in parts.items()}
    for label, (owner, name) in parts.items():
        setattr(owner, name, watched(label, originals[label]))
    try:
        yield spent
    finally:
        for label, (owner, name) in parts.items():
            setattr(owner, name, originals[label])


if __name__ == "__main__":
    print(*(figure.row for figure in figures()), sep="\n")

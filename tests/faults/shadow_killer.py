"""A process that replays and settles a home and is killed (SIGKILL) on the way; a helper of the tests.

It loads the libraries and the compiled passes once and forks for each order. An order is one line:
`<home> <first day> <last day> call <n>` kills at the n-th call that matters (a lease taken or left, a stamp, a commit),
`<home> <first day> <last day> after <seconds>` at a moment of the clock. The answer is `killed` or `done`.
"""

import os
import signal
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from ml_data import journal, store
from ml_data.bar_arrays import bar_arrays
from ml_data.event_view import event_view
from ml_data.events import range_events
from ml_data.history import build_history
from ml_data.outcomes import range_outcomes
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.shadow import ShadowLoop
from ml_models.model_registry import ModelRegistry
from ml_monitoring.outcome_logger import settle
from tests.hub_home import DEMO, MODEL, NOW, REGISTRY, STORES, demo_table


def replay_and_settle(home: Path, first: date, last: date) -> None:
    opened = store.Store(home / STORES)
    engine = MLInferenceEngine(opened, ModelRegistry(home / REGISTRY), DEMO, model=MODEL, clock=lambda: NOW)
    loop = ShadowLoop(opened, engine, clock=lambda: NOW, replayed=True)
    for day in range((last - first).days + 1):
        loop.replay(DEMO, first + timedelta(days=day), first + timedelta(days=day))
        settle(opened, DEMO, now=NOW)
    opened.close()


def die_at(call: int) -> None:
    """Make the process kill itself when it comes to the call numbered `call` of those that matter."""
    count = [0]

    def counting(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def counted(*arguments: object, **named: object) -> object:
            if count[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)
            count[0] += 1
            return real(*arguments, **named)

        setattr(owner, name, counted)

    for name in ("_attach", "_detach", "_change_stamp"):
        counting(store.Store, name)
    counting(journal, "_append")
    counting(MLInferenceEngine, "answer")


def warm_up() -> None:
    """Load every compiled pass, without opening a store: DuckDB's threads would not survive the fork."""
    bars = bar_arrays(demo_table().slice(0, 60_000), DEMO.tick)
    history = build_history(bars, DEMO)
    range_outcomes(history, range_events(history))
    event_view(bars, DEMO, date(2023, 1, 25), "1000", None)


def main() -> None:
    warm_up()
    print("ready", flush=True)
    for line in sys.stdin:
        home, first, last, how, number = line.split()
        child = os.fork()
        if child == 0:
            if how == "call":
                die_at(int(number))
            replay_and_settle(Path(home), date.fromisoformat(first), date.fromisoformat(last))
            os._exit(0)
        if how == "after":
            time.sleep(float(number))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if died else "done" if status == 0 else f"failed {status}", flush=True)


if __name__ == "__main__":
    main()

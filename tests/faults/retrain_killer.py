"""A process that retrains in a home and is killed (SIGKILL) on the way; a helper of the tests.

It loads the libraries once and forks for each order. An order is one line: `<home> <how> <call>`. It is killed at the
call numbered `call` of those that change anything: a lease taken or left, a commit, a file written, renamed or removed.
`whole` trains; `made` takes the candidate that the order before with `keep` made, so that the steps after the fit are
met often. The answer is `killed`, or `done <calls>`.
"""

import os
import pickle
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from ml_data import store
from ml_models import model_registry
from ml_models.model_registry import ModelRegistry
from ml_training import retraining
from ml_training.due import due
from ml_training.retrain_facts import champion_of, facts_of
from ml_training.retraining import retrain, settle_left
from tests.hub_home import DEMO, MODEL, NOW, REGISTRY, STORES
from trading.settings import RetrainSettings

SETTINGS = RetrainSettings(test_days=20)
LATER = NOW + timedelta(minutes=5)
STEPS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "truncate")
KEPT = "made.pickle"


def retrain_once(home: Path, how: str) -> None:
    opened, registry = store.Store(home / STORES), ModelRegistry(home / REGISTRY)
    if how == "made":
        retraining.make_version = lambda *_, **__: pickle.loads((home / KEPT).read_bytes())  # noqa: S301 - our own
    elif how == "keep":
        real = retraining.make_version

        def keeping(*arguments, **named):
            made = real(*arguments, **named)
            plan = SimpleNamespace(plan=made.training.plan)
            kept = SimpleNamespace(draft=made.draft, dataset=made.dataset, training=plan, why=made.why)
            (home / KEPT).write_bytes(pickle.dumps(kept))
            return made

        retraining.make_version = keeping
    settle_left(opened, registry, MODEL, now=LATER, who="test")
    facts = facts_of(opened, registry, DEMO, MODEL, champion_of(registry, MODEL), LATER)
    found = replace(due(facts, SETTINGS, LATER, by_hand=True), state="due")  # however many were cut off before
    retrain(opened, registry, DEMO, MODEL, facts, found, SETTINGS, clock=lambda: LATER, who="test")
    opened.close()


def die_at(call: int, count: list[int]) -> None:
    """Make the process kill itself when it comes to the call numbered `call` of those that change anything."""

    def counting(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def counted(*arguments, **named):
            if name != "open" or arguments[1] & (os.O_WRONLY | os.O_RDWR):
                if count[0] == call:
                    os.kill(os.getpid(), signal.SIGKILL)
                count[0] += 1
            return real(*arguments, **named)

        setattr(owner, name, counted)

    for name in ("_attach", "_detach", "_change_stamp"):
        counting(store.Store, name)
    for name in STEPS:
        counting(os, name)


def main() -> None:
    model_registry.run_load_check = lambda folder: None  # it changes nothing on disk; the other tests run it
    print("ready", flush=True)
    for line in sys.stdin:
        home, how, call = line.split()
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            count = [0]
            say = os.write
            die_at(int(call), count)
            retrain_once(Path(home), how)
            say(write_end, f"done {count[0]}\n".encode())
            os._exit(0)
        os.close(write_end)
        _, status = os.waitpid(child, 0)
        said = os.read(read_end, 100).decode().strip()
        os.close(read_end)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if died else said or f"failed {status}", flush=True)


if __name__ == "__main__":
    main()

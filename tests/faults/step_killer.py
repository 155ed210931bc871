"""A process that takes one step of the hub in a home and is killed (SIGKILL) on the way; a helper of the tests.

It loads the libraries and the compiled passes once and forks for each order, one line. `<step> <home> call <n>` kills
at the n-th call that matters (a file attached, let go of, stamped or replaced, rows appended, an answer computed),
`<step> <home> after <seconds>` at a moment of the clock. The answer is `killed` or `done <calls>`. What a step has
acknowledged by then stands in `<home>/acknowledged`, a line each, and in the loop's own log.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from streamlit.testing.v1 import AppTest

from app_pages import journal as journal_page  # noqa: F401 - loaded before the fork, as the verbs below are
from ml_data import journal, store
from ml_data.actions import DEEDS
from ml_inference import inference_engine, roster
from ml_models import model_registry
from ml_models.model_registry import ModelRegistry
from ml_scripts import live_board, live_feed, shadow
from tests.app_pages.test_model_health_page import page
from tests.faults.growing_file import GrowingFile
from tests.faults.shadow_killer import warm_up
from tests.hub_home import MODEL, NOW, REGISTRY
from tests.ml_inference.shelves import three_class_booster, three_class_draft
from tests.ml_scripts.hub_runs import run_hub

NOTES = 2
MADE_AT = datetime(2023, 5, 1, tzinfo=UTC)
"""When the tests' version is said to be made: before the market that it is asked about."""


def acknowledged(home: Path, what: str) -> None:
    descriptor = os.open(home / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{what}\n".encode())
    os.close(descriptor)


def follow_a_growing_file(home: Path) -> None:
    """Follow `bars.csv` as the service does; each pause of the loop is the time until the next decision moment."""
    market = GrowingFile(home / "bars.csv")

    def passes(stop: Event, _: float) -> None:
        if not market.grow():
            stop.set()

    for module in (live_feed, live_board, shadow):
        module.now = market.now
    live_feed._sleep = passes
    live_feed.jobs_of = lambda *_: []  # daily work is done by the same verbs, which are killed by themselves
    roster.Seat.made_at = MADE_AT
    ran = run_hub("shadow", "--feed", f"folder:{market.path}", "--instrument", "DEMO", home=home)
    assert ran.code == 0, ran.said


def settle(home: Path) -> None:
    ran = run_hub("settle", "--instrument", "DEMO", home=home)
    assert ran.code == 0, ran.said
    acknowledged(home, ran.out.strip())


def publish(home: Path) -> None:
    registry = ModelRegistry(home / REGISTRY)
    draft = three_class_draft(registry.load(MODEL))
    acknowledged(home, str(registry.publish(MODEL, draft, now=NOW + timedelta(minutes=1), who="test", why="killed")))


def note_on_the_page(home: Path) -> None:
    """Open the journal in the browser's stead and note three things about a forecast, one after the other."""
    os.environ["HUB_HOME"] = str(home)
    for number in range(NOTES):
        at = AppTest.from_function(page, args=("journal",), default_timeout=60)
        at.query_params["id"] = "p0"
        at.run()
        why = f"{os.getpid()} {number}"
        at.button_group(key="did_p0").set_value(DEEDS[number])
        at.text_input(key="why_p0").set_value(why)
        at.button(key="FormSubmitter:note_p0-Note it").click().run()
        assert not at.exception
        if "✓ Noted." in [each.value for each in at.caption]:
            acknowledged(home, why)


def back_up(home: Path) -> None:
    ran = run_hub("backup", str(home / "backups"), "--no-bars", home=home)
    assert ran.code == 0, ran.said


STEPS: dict[str, Callable[[Path], None]] = {
    "live": follow_a_growing_file,
    "settle": settle,
    "publish": publish,
    "page": note_on_the_page,
    "backup": back_up,
}


def die_at(call: int, count: list[int]) -> None:
    """Make the process kill itself when it comes to the call numbered `call` of those that matter."""

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
    for name in ("replace", "rename", "mkdir", "fsync", "truncate", "unlink"):
        counting(os, name)
    counting(journal, "_append")
    counting(inference_engine.MLInferenceEngine, "answer")


def main() -> None:
    warm_up()
    three_class_booster()
    model_registry.run_load_check = lambda folder: None  # it changes nothing on disk; the other tests run it
    print("ready", flush=True)
    for line in sys.stdin:
        step, home, how, number = line.split()
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            count = [0]
            say = os.write
            die_at(int(number) if how == "call" else -1, count)
            try:
                STEPS[step](Path(home))
                say(write_end, f"done {count[0]}\n".encode())
            except BaseException:
                traceback.print_exc()
            os._exit(0)  # what cleans up behind this process belongs to the one that was forked
        os.close(write_end)
        if how == "after":
            time.sleep(float(number))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        said = os.read(read_end, 100).decode().strip()
        os.close(read_end)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if died else said or "failed", flush=True)


if __name__ == "__main__":
    main()

"""Ctrl+C at work: every verb leaves with 130 and a sentence, harms nothing, and the same command goes on from there."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ml_data import journal
from ml_data.store import Store
from ml_data.store_failures import explaining
from ml_inference.inference_engine import MLInferenceEngine
from ml_models.version_loader import VersionLoader
from ml_scripts import hub as hub_module
from tests.hub_home import REGISTRY, ROOT, STORES, copied
from tests.ml_scripts.hub_runs import run_hub
from tests.ml_scripts.verb_table import ROWS

LONG = [name for name, row in ROWS.items() if row.long]
STOPPED = "Stopped. What was finished is stored; the same command goes on from there."
MOMENTS = [
    (Store, "_attach"), (Store, "_detach"), (Store, "_change_stamp"), (journal, "_append"),
    (MLInferenceEngine, "answer"), (VersionLoader, "load"), (VersionLoader, "verify"), (os, "replace"),
]  # fmt: skip
"""What a verb does on its way: Ctrl+C is pressed when it comes to one of these."""
VOLATILE = (
    "logged_at",
    "latency_ms",
    "settled_at",
    "imported_at",
    "import_id",
    "applied_at",
    "looked_at",
    "happened_at",
)


@contextmanager
def counted(press_at: int | None) -> Iterator[list[int]]:
    """Count the moments; press Ctrl+C at the one numbered `press_at`."""
    count = [0]

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def moment(*arguments: Any, **named: Any) -> Any:
            count[0] += 1
            if count[0] - 1 == press_at:
                signal.raise_signal(signal.SIGINT)
            return real(*arguments, **named)

        return moment

    with pytest.MonkeyPatch.context() as patched:
        for owner, name in MOMENTS:
            patched.setattr(owner, name, counting(getattr(owner, name)))
        yield count


def stored(home: Path) -> dict[str, Any]:
    """What the stores hold, but for when it came, and for the lists of imports and trials: each try is one."""
    store, found = Store(home / STORES), {}
    for alias in ("market", "journal"):
        with store.market() if alias == "market" else store.journal() as cursor:
            tables = cursor.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY 1", [alias]
            ).fetchall()
            for (table,) in tables:
                columns = cursor.execute(
                    "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND table_name = ?",
                    [alias, table],
                ).fetchall()
                kept = ", ".join(f'"{name}"' for (name,) in columns if name not in VOLATILE)
                question = f"SELECT count(*), bit_xor(hash(row({kept}))) FROM {alias}.{table}"
                found[f"{alias}.{table}"] = cursor.execute(question).fetchall()[0]
    store.close()
    for repeated in (
        "market.bar_imports",
        "journal.ml_trials",
        "journal.ml_trial_results",
        "journal.ml_window_openings",
    ):
        del found[repeated]
    return found


def check_models(home: Path) -> None:
    for folder in (home / REGISTRY).iterdir():
        ran = run_hub("models", "verify", folder.name, home=home)
        assert ran.code == 0, ran


@pytest.mark.parametrize("name", LONG)
@pytest.mark.usefixtures("small")
def test_a_verb_that_is_interrupted_anywhere_goes_on_to_the_same_end(
    name: str, verb_home: Path, tmp_path: Path, words: dict[str, str]
):
    typed = [*name.split(), *shlex.split(ROWS[name].done.format(**words))]
    home = copied(verb_home, tmp_path / "undisturbed")
    with counted(None) as moments:
        assert run_hub(*typed, home=home).code == 0
    whole = stored(home)
    many, few = {0, moments[0] // 2, moments[0] - 1}, {moments[0] // 2}
    places = sorted(many if name in ("ingest", "build", "shadow", "settle") else few)
    for place in places:
        home = copied(verb_home, tmp_path / str(place))
        with counted(place) as reached:
            ran = run_hub(*typed, "--json", home=home)
        assert (ran.code, ran.err.strip()) == (130, STOPPED), (place, moments, ran)
        assert reached[0] >= place
        assert ran.object == {"error": STOPPED, "exit_code": 130}
        assert run_hub(*typed, home=home).code == 0
        assert stored(home) == whole
        if name in ("train", "demo"):
            check_models(home)


def test_ctrl_c_while_a_verb_loads_its_libraries_leaves_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub_module, "import_module", lambda name: signal.raise_signal(signal.SIGINT))
    ran = run_hub("doctor", home=tmp_path)
    assert (ran.code, ran.err.strip()) == (130, STOPPED)


def test_what_duckdb_calls_an_interrupted_question_is_ctrl_c(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), explaining(tmp_path):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="of the program"), explaining(tmp_path):
        raise RuntimeError("an error of the program")


def test_ctrl_c_within_a_question_is_ctrl_c_and_the_store_answers_the_next(tmp_path: Path):
    script = """
import os, signal, sys, threading, time
from pathlib import Path
from ml_data.store import Store
store = Store(Path(sys.argv[1]))
def press():
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
with store.market(): pass
threading.Thread(target=press).start()
try:
    with store.market() as cursor:
        cursor.execute("SELECT count(*) FROM range(10000000) a(i), range(40) b(j) WHERE i * j % 7 = 3").fetchall()
except KeyboardInterrupt:
    with store.market() as cursor:
        print(cursor.execute("SELECT count(*) FROM market.bars_1m").fetchall())
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[(0,)]\n", "")


# As a terminal does it: the whole group of processes is interrupted


@contextmanager
def started(home: Path, *typed: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "ml_scripts.hub", *typed], cwd=ROOT, env={**os.environ, "HUB_HOME": str(home)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(sys.platform == "win32", reason="a group of processes is interrupted as a terminal of Unix does it")
def test_ctrl_c_ends_the_pages_and_their_server_with_0_and_frees_the_port(tmp_path: Path):
    port = free_port()
    with started(tmp_path, "app", "--no-browser", "--port", str(port), "--json") as process:
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                assert answer.read() == b"ok"
                break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out == f'{{"address": "http://127.0.0.1:{port}"}}\n'
    assert "Traceback" not in err
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


@pytest.mark.skipif(sys.platform == "win32", reason="a group of processes is interrupted as a terminal of Unix does it")
def test_ctrl_c_during_the_replay_of_the_journal_leaves_with_130_and_no_trace(verb_home: Path, tmp_path: Path):
    home = copied(verb_home, tmp_path / "home")
    with started(home, "audit", "replay") as process:
        holder = home / STORES / "journal.duckdb.holder"
        deadline = time.monotonic() + 60
        while not (holder.exists() and holder.read_text().startswith(f"{process.pid} ")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", STOPPED)
    assert run_hub("audit", "replay", home=home).code == 0


# The port


@pytest.mark.parametrize("name", ["app", "start"])
def test_a_port_in_use_is_told_with_another_before_anything_is_done(name: str, tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ran = run_hub(name, "--port", str(other.getsockname()[1]), "--json", home=tmp_path / "home")
        said = f"Port {other.getsockname()[1]} is in use. Is the hub open already? Else choose another: --port "
    assert ran.code == 2
    assert ran.err.startswith(said)
    assert ran.object["error"].startswith(said)
    assert not (tmp_path / "home").exists()

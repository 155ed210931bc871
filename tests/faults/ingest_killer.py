"""Imports files into a store and kills itself (SIGKILL) at a given step; a helper of the tests.

It loads the libraries once and forks for each order, one line `<home> <step> <file> ...`; the answer is
`killed <name of the step>` or `done`. A step is a statement of the writing transaction, the change of the stamp before
its commit, or the detaching of the store after it.
"""

import os
import signal
import sys
from pathlib import Path

from ml_data import import_write, ingest
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, nq


def die_at(step: int) -> None:
    """Kill the process just before the step numbered `step`; half of a statement never happens in DuckDB."""
    count = [0]

    def wrap(owner, name: str) -> None:
        real = getattr(owner, name)

        def counted(*arguments, **named):
            if count[0] == step:
                print(f"killed {name}", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            count[0] += 1
            return real(*arguments, **named)

        setattr(owner, name, counted)

    wrap(import_write, "put")
    wrap(Store, "_change_stamp")
    wrap(Store, "_detach")


def main() -> None:
    for line in sys.stdin:
        home, step, *files = line.split()
        child = os.fork()
        if child == 0:
            ingest.BATCH_ROWS = 10
            try:
                die_at(int(step))
                store = Store(Path(home))
                ingest.ingest(store, nq(), [Path(file) for file in files], now=NOW)
            except BaseException as error:  # else the test would wait for an answer for ever
                print(f"failed: {error!r}", flush=True)
                raise
            print("done", flush=True)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()

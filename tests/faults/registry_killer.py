"""A process that does one thing to a shelf and kills itself (SIGKILL) at a given step; a helper of the tests.

It loads the libraries once and forks for each order. A step is any call that changes the disk. An order is one line:
`<action> <root> <step>`; the answer is `killed <name of the step>` or `done`.
"""

import os
import signal
import sys
from pathlib import Path

sys.modules.update(dict.fromkeys(("sklearn", "pandas")))  # LightGBM starts five times as fast without them

from ml_models import model_registry  # noqa: E402
from ml_models.model_registry import ModelRegistry  # noqa: E402
from tests.ml_models.drafts import at, draft  # noqa: E402

STEPS = ("open", "write", "fsync", "replace", "rename", "mkdir", "chmod", "truncate", "unlink", "rmdir", "utime")
MODEL = "directional"


def act(action: str, root: Path) -> None:
    registry, words = ModelRegistry(root), {"now": at(30), "who": "eve", "why": "killed"}
    first = registry.versions(MODEL)[0].version
    if action == "publish":
        registry.publish(MODEL, draft(seed=4), **words)
    elif action == "promote":
        registry.promote(MODEL, first, evidence_hash="e" * 64, **words)
    elif action == "rollback":
        registry.rollback(MODEL, **words)
    else:
        registry.delete(MODEL, first, referenced=lambda version_hash: False, **words)


def die_at(step: int, report: int) -> None:
    """Replace every call that changes the disk by one that kills the process when it is the one numbered `step`."""
    count, real_write = [0], os.write

    def wrap(name: str) -> None:
        real = getattr(os, name)

        def counted(*arguments, **named):
            changes = name != "open" or arguments[1] & (os.O_WRONLY | os.O_RDWR)
            if changes and count[0] == step:
                if name == "write":
                    real_write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                real_write(report, f"killed {name}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            count[0] += bool(changes)
            return real(*arguments, **named)

        setattr(os, name, counted)

    for name in STEPS:
        wrap(name)


def main() -> None:
    model_registry.run_load_check = lambda folder: None  # it changes nothing on disk; the other tests run it
    draft(seed=4)
    print("ready", flush=True)
    for line in sys.stdin:
        action, root, step = line.split()
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            die_at(int(step), write_end)
            act(action, Path(root))
            os._exit(0)
        os.close(write_end)
        _, status = os.waitpid(child, 0)
        said = os.read(read_end, 100).decode().strip()
        os.close(read_end)
        print(said or ("done" if status == 0 else f"failed {status}"), flush=True)


if __name__ == "__main__":
    main()

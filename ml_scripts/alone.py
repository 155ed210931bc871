"""What must not be done by two processes at once: a lock, and beside it a note of who holds it."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ml_inference.live_state import write_document
from ml_scripts.console import now
from trading.errors import HubError


@contextmanager
def alone(
    lock_file: Path, note: Path, told: Mapping[str, str], refusal: Callable[[Mapping[str, Any] | None], str]
) -> Iterator[None]:
    """Hold `lock_file` for the length of the block; `told`, the process and the time stand in `note` meanwhile.

    `refusal` makes a sentence of the holder's note, None where it has only just begun and nothing stands there yet.

    Raises
    ------
    HubError
        with that sentence, when another process holds it.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise HubError(refusal(_holder(note))) from error
    try:
        write_document(note, {**told, "process": os.getpid(), "since": f"{now():%Y-%m-%d %H:%MZ}"})
        yield
    finally:
        lock.release()


def _holder(note: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"process", "since"} <= set(found) else None

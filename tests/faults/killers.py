"""How a test gives orders to one of the helper processes that fork, take a step and are killed on the way."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hub_home import ROOT

NEVER = 10**9
"""The number of a call that no step comes to."""


class Killer:
    """A helper process; orders go in, what became of them comes out."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def said(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the helper died: its words are among the captured ones"
        return line

    def order(self, *words: object) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self._process.stdin.flush()
        return self.said()


@contextmanager
def killing(name: str) -> Iterator[Killer]:
    """Yield the helper `tests.faults.<name>` once it is ready."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    with subprocess.Popen(
        [sys.executable, "-m", f"tests.faults.{name}"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        helper = Killer(process)
        try:
            assert helper.said() == "ready"
            yield helper
        finally:
            process.kill()

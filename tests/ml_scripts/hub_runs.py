"""Runs of the `hub` command within the test's own process, by the code that the command line runs."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_scripts import hub as hub_module


@dataclass(frozen=True)
class Ran:
    """How a run left, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything it wrote, on one line, so that a sentence is found however a terminal would break it."""
        return " ".join((self.out + " " + self.err).split())

    @property
    def object(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def run_hub(*arguments: str, home: Path) -> Ran:
    """Run `hub` with `arguments` on the home folder `home`, started from a folder without settings."""
    out, err = io.StringIO(), io.StringIO()
    with (
        _as_typed(["hub", *arguments]),
        _environment(home),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            hub_module.main()
        except SystemExit as left:
            return Ran(left.code if isinstance(left.code, int) else -1, out.getvalue(), err.getvalue())
    raise AssertionError("hub always leaves with a code")


@contextlib.contextmanager
def _as_typed(arguments: list[str]) -> Iterator[None]:
    main = sys.modules["__main__"]
    before = sys.argv, main.__package__
    sys.argv, main.__package__ = arguments, ""  # not pytest, but a program of its own
    try:
        yield
    finally:
        sys.argv, main.__package__ = before


@contextlib.contextmanager
def _environment(home: Path) -> Iterator[None]:
    before = dict(os.environ)
    os.environ |= {"HUB_HOME": str(home), "COLUMNS": "120"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

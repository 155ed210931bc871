"""Pages on a demo home: warm reruns without a browser, then Today in a browser: `python -m bench.pages`."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench import browser
from bench.measure import ROOT, Figure

TARGETS = (
    ("today", "Today", 83.0),
    ("journal", "Journal", 287.0),
    ("model_health", "Model health", 287.0),
    ("models", "Models", 287.0),
    ("research", "Research", 287.0),
    ("data", "Data", 287.0),
)
RERUNS = 9


def figures() -> list[Figure]:
    """Return one row a page; the demo is made in a folder of its own."""
    with tempfile.TemporaryDirectory() as home:
        surroundings = {**os.environ, "HUB_HOME": home}
        subprocess.run(
            [sys.executable, "-m", "ml_scripts.hub", "demo"],
            cwd=ROOT,
            env=surroundings,
            check=True,
            capture_output=True,
        )
        told = subprocess.run(
            [sys.executable, "-m", "bench.pages", "--reruns"],
            cwd=ROOT,
            env=surroundings,
            check=True,
            capture_output=True,
            text=True,
        )
        drawn = browser.figures(Path(home))
    found = dict(line.split("\t") for line in told.stdout.splitlines() if "\t" in line)
    reruns = [
        Figure(f"{title}: warm rerun", "–", f"{float(found[page]):.0f} ms", float(found[page]), target, "ms")
        for page, title, target in TARGETS
    ]
    return reruns + drawn


def _reruns() -> None:
    from streamlit.testing.v1 import AppTest

    for page, _, _ in TARGETS:
        app = AppTest.from_string(
            "import importlib\n"
            "from app_pages.context import open_context\n"
            f"importlib.import_module('app_pages.{page}').draw(open_context())\n",
            default_timeout=60,
        )
        app.query_params["instrument"] = "DEMO"
        app.query_params["day"], app.query_params["clock"] = "2026-01-28", "23:20"
        app.run()
        if app.exception:
            raise SystemExit(f"{page}: {app.exception[0].message}")
        seconds = []
        for _ in range(RERUNS):
            begun = time.perf_counter()
            app.run()
            seconds.append(time.perf_counter() - begun)
        sys.stdout.write(f"{page}\t{np.median(seconds) * 1e3}\n")


if __name__ == "__main__":
    if "--reruns" in sys.argv:
        _reruns()
    else:
        print(*(figure.row for figure in figures()), sep="\n")

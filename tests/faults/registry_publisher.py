"""Publish the same draft some times with the same time; a helper of the tests: `root who times start-file`."""

import sys
import time
from pathlib import Path

sys.modules.update(dict.fromkeys(("sklearn", "pandas")))  # LightGBM starts five times as fast without them

from ml_models.model_registry import ModelRegistry  # noqa: E402
from tests.ml_models.drafts import at, draft  # noqa: E402

root, who, times, start = sys.argv[1:]
made = draft()
print("ready", flush=True)
while not Path(start).exists():
    time.sleep(0.001)
for _ in range(int(times)):
    print(ModelRegistry(Path(root)).publish("directional", made, now=at(1), who=who, why="race"), flush=True)

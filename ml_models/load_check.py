"""Check one version folder in a process of its own: `python -m ml_models.load_check FOLDER`.

LightGBM ends the whole process on some damaged files, so a version is parsed here first. Prints one JSON line and
leaves with 0 (good), 1 (damaged) or 2 (wrong usage); any other end means that LightGBM took the process down.
"""

import json
import sys
from pathlib import Path

from ml_models.documents import DamagedVersion
from ml_models.version_files import read_files


def main(arguments: list[str]) -> int:
    """Check the folder in `arguments` and print the verdict."""
    if len(arguments) != 1:
        print(json.dumps({"ok": False, "file": "", "problem": "usage: python -m ml_models.load_check FOLDER"}))
        return 2
    # LightGBM works without these two, and starts in a fifth of the time.
    for unused in ("sklearn", "pandas"):
        sys.modules[unused] = None  # type: ignore[assignment]  # the documented way to make an import fail
    from ml_models.loaded_version import LoadedVersion

    try:
        found = read_files(Path(arguments[0]))
        LoadedVersion.parse(found.manifest, found.version_hash, found.whole())
    except DamagedVersion as error:
        print(json.dumps({"ok": False, "file": error.file, "problem": error.problem}))
        return 1
    print(json.dumps({"ok": True, "version_hash": found.version_hash}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

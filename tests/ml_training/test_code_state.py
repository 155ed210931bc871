import subprocess
from pathlib import Path

import pytest

from ml_training.code_state import CodeState, code_state, library_versions


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_a_checkout_has_a_commit_and_is_dirty_once_a_file_changes(tmp_path: Path):
    git(tmp_path, "init")
    (tmp_path / "code.py").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    clean = code_state(tmp_path)
    (tmp_path / "code.py").write_text("two")
    assert len(clean.commit) == 40
    assert not clean.dirty
    assert code_state(tmp_path) == CodeState(clean.commit, dirty=True)


def test_a_folder_inside_somebody_elses_checkout_is_not_taken_for_ours(tmp_path: Path):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "theirs")
    installed = tmp_path / "site-packages"
    installed.mkdir()
    assert code_state(installed) == CodeState("unknown", dirty=False)


def test_without_git_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_state() == CodeState("unknown", dirty=False)


def test_the_libraries_that_decide_the_numbers_are_named():
    assert set(library_versions()) == {"python", "lightgbm", "numpy", "numba", "scipy"}

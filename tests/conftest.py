"""What many tests share: the real market data, where it is present."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real market data, or skip."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"the real market data are not at {folder}")
    return folder

"""A file as it lies on disk: unpacked in steps, its faults in sentences."""

import gzip
import hashlib
from pathlib import Path

import pytest

from ml_data.bar_file import HEAD_BYTES, open_bar_file
from tests.ml_data.bar_files import write, zstd
from trading.errors import BadBars

CONTENT = bytes(range(256)) * 2_000


@pytest.mark.parametrize(
    ("packing", "packed"),
    [
        ((), CONTENT),
        (("gzip",), gzip.compress(CONTENT)),
        (("gzip",), gzip.compress(CONTENT[:7]) + gzip.compress(CONTENT[7:])),
        (("zstd",), zstd(CONTENT)),
        (("zstd",), zstd(CONTENT[:100_000], CONTENT[100_000:], b"")),
        (("gzip", "zstd"), gzip.compress(zstd(CONTENT))),
        (("zstd", "gzip", "gzip", "zstd"), zstd(gzip.compress(gzip.compress(zstd(CONTENT))))),
    ],
)
def test_content_is_read_in_exact_steps_whatever_its_packing(tmp_path: Path, packing: tuple[str, ...], packed: bytes):
    file = open_bar_file(write(tmp_path / "a", packed))
    assert (file.packing, file.size, file.name) == (packing, len(packed), "a")
    assert file.sha256 == hashlib.sha256(packed).hexdigest()
    assert file.head == CONTENT[:HEAD_BYTES]
    with file.unpacked() as (content, on_disk):
        parts = [content.read(99_999) for _ in range(6)]
        assert content.read(1) == b""
        assert on_disk.tell() == len(packed)
    assert [len(part) for part in parts] == [99_999] * 5 + [12_005]
    assert b"".join(parts) == CONTENT


@pytest.mark.parametrize("packed", [gzip.compress(CONTENT), zstd(CONTENT), zstd(CONTENT[:9], CONTENT[9:])])
@pytest.mark.parametrize("lost", [1, 8, 40])
def test_packed_content_that_lost_its_end_is_noticed(tmp_path: Path, packed: bytes, lost: int):
    with pytest.raises(BadBars, match=r"the file is cut short: its packed content has no end; download it again\.$"):  # noqa: PT012
        file = open_bar_file(write(tmp_path / "a", packed[:-lost]))
        with file.unpacked() as (content, _):
            content.read(10_000_000)


@pytest.mark.parametrize("packed", [gzip.compress(CONTENT), zstd(CONTENT)])
def test_packed_content_with_a_changed_byte_is_noticed(tmp_path: Path, packed: bytes):
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 0x55
    damaged[-3] ^= 0x55
    with pytest.raises(BadBars, match=r"the file is (damaged and cannot be unpacked|cut short)"):  # noqa: PT012
        file = open_bar_file(write(tmp_path / "a", bytes(damaged)))
        with file.unpacked() as (content, _):
            content.read(10_000_000)


def test_a_missing_file_a_folder_and_nothing_are_told_apart(tmp_path: Path):
    with pytest.raises(BadBars, match="there is no such file; check the path"):
        open_bar_file(tmp_path / "none.csv")
    with pytest.raises(BadBars, match=r"expected a file, found a folder; name the files in it, such as .*/\*\.csv"):
        open_bar_file(tmp_path)
    with pytest.raises(BadBars, match="the file is empty; download it again"):
        open_bar_file(write(tmp_path / "a", b""))
    with pytest.raises(BadBars, match="the file is empty once unpacked"):
        open_bar_file(write(tmp_path / "a", zstd(b"")))
    with pytest.raises(BadBars, match="the file is empty once unpacked"):
        open_bar_file(write(tmp_path / "a", gzip.compress(zstd(b""))))


def test_content_that_is_packed_over_and_over_is_refused_and_not_followed(tmp_path: Path):
    packed = b"bars"
    for _ in range(5):
        packed = gzip.compress(packed)
    with pytest.raises(BadBars, match=r"it is packed more than 4 times over; unpack it and name the files in it\.$"):
        open_bar_file(write(tmp_path / "a", packed))

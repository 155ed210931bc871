"""What the documents say is so in the code."""

import re
import tomllib
from pathlib import Path

import pytest

from ml_data.feeds.named import KINDS
from ml_data.recognition import known_importers
from trading.settings import FeedSettings, IbSettings

ROOT = Path(__file__).resolve().parents[2]
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for package in ("trading", "ml_data", "ml_models", "ml_training", "ml_inference", "ml_monitoring")
    for pattern in ("**/*.py", "**/*.sql", "**/*.toml")
    for path in (ROOT / package).glob(pattern)
    if "registry/" not in path.as_posix()
)


def _rows(document, columns):
    for line in (ROOT / "docs" / document).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| ") and len(cells) == columns:
            yield cells


@pytest.mark.parametrize("term", sorted({t for row in _rows("glossary.md", 3) for t in re.findall(r"`(\w+)`", row[2])}))
def test_every_term_of_the_glossary_is_in_the_code(term):
    assert re.search(rf"\b{term}\b", CODE), f"{term} of docs/glossary.md is nowhere in the code"


def _stored_tables():
    for path in sorted((ROOT / "ml_data" / "migrations").glob("*/*.sql")):
        for name, body in re.findall(r"CREATE TABLE \w+\.(\w+) \((.*?)\n\);", path.read_text(encoding="utf-8"), re.S):
            columns = [
                line.split()[0] for line in body.splitlines() if line.strip() and not line.strip().startswith("--")
            ]
            yield name, [*columns, *_added_columns(name)]


def _added_columns(table):
    for path in sorted((ROOT / "ml_data" / "migrations").glob("*/*.sql")):
        text = path.read_text(encoding="utf-8")
        yield from re.findall(rf"ALTER TABLE \w+\.{table} ADD COLUMN (\w+)", text)


def _documented_tables():
    return {row[0].strip("`"): row[2] for row in _rows("data.md", 3)}


@pytest.mark.parametrize(("table", "columns"), list(_stored_tables()))
def test_every_stored_column_is_documented_in_its_order(table, columns):
    text = _documented_tables()[table]
    told = re.sub(r"\([^)]*\)", "", text)
    told = re.sub(
        r"(old|new)_open … (old|new)_volume",
        lambda m: ", ".join(f"{m[1]}_{name}" for name in ("open", "high", "low", "close", "volume")),
        told,
    )
    assert [name.strip() for name in told.split(",")] == columns


def test_every_format_that_is_imported_is_documented_with_what_its_stamps_mark():
    told = {
        row[0].strip("`"): row[2] for row in _rows("formats.md", 4) if row[0].startswith("`") and row[0] != "`--format`"
    }
    known = {importer.format: getattr(importer, "stamps", told.get(importer.format)) for importer in known_importers()}
    assert told == known


def test_every_link_of_the_readme_and_the_docs_leads_somewhere():
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} points at {target}"


def test_decisions_are_numbered_once_each():
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == sorted(set(numbers))


def test_every_kind_of_notice_that_a_feed_gives_is_documented():
    given = set(
        re.findall(
            r'Notice\(\s*"(\w+)"',
            CODE
            + "".join(
                (ROOT / "ml_scripts" / name).read_text(encoding="utf-8") for name in ("live_feed.py", "live_jobs.py")
            ),
        )
    )
    given |= set(re.findall(r'_amiss\([^"]+"(\w+)"', CODE))
    told = {kind for row in _rows("feeds.md", 2) for kind in re.findall(r"`(\w+)`", row[0])}
    assert given
    assert given <= told, given - told
    assert {"missed", "answered", "refused_event", "no_range", "no_break", "future", "unclosed"} <= told


def test_every_feed_that_a_document_names_can_be_named():
    words = [
        word
        for document in ("README.md", "docs/feeds.md")
        for word in re.findall(r"--feed (?:\w+=)?(\S+)", (ROOT / document).read_text(encoding="utf-8"))
    ]
    assert {word.partition(":")[0] for word in words if ":" in word} == set(KINDS)


def test_the_settings_of_feeds_are_the_ones_in_force_without_a_file():
    [block] = re.findall(r"^```toml\n(.*?)^```$", (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8"), re.S | re.M)
    told = FeedSettings.model_validate(tomllib.loads(block)["feed"])
    assert set(tomllib.loads(block)["feed"]) == set(FeedSettings.model_fields)
    assert set(tomllib.loads(block)["feed"]["ib"]) == set(IbSettings.model_fields)
    named_once = {"time_zone", "stamps", "format", "pattern", "ib"}
    assert told.model_dump(exclude=named_once) == FeedSettings().model_dump(exclude=named_once)
    assert told.ib.model_copy(update={"symbol": None}) == IbSettings()

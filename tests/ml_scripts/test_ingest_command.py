"""`hub ingest` on a file whose stamps name no clock: what it prints, how it leaves, what is stored then."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ml_scripts.ingest import command
from tests.ml_data.bar_files import write
from tests.ml_data.clock_bars import NEW_YORK, bars_file, open_minutes, shipped, shown


@pytest.fixture
def naive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    minutes = open_minutes(shipped("NQ"), "2024-02-04T23:00", "2024-02-08")
    path = bars_file(tmp_path / "naive.csv", shown(minutes, NEW_YORK))
    at_its_level = path.read_text(encoding="utf-8").replace(",100,101,99,100.5,", ",15000,15001,14999,15000.5,")
    return str(write(path, at_its_level))


def run(*arguments: str) -> tuple[int, str]:
    cli = typer.Typer()
    cli.command()(command)
    result = CliRunner().invoke(cli, [*arguments, "--instrument", "NQ"])
    return result.exit_code, result.output


def test_without_accept_it_leaves_with_2_and_says_what_to_add(naive: str):
    code, said = run(naive)
    assert code == 2
    assert "the bars show America/New_York (certain); add --accept to import it so" in said
    assert "0 of 4,200 bars fall into the daily halt 17:00-18:00 New York; read as UTC 120 would" in said
    assert "0 of 1 files imported; 0 bars new" in said


def test_a_dry_run_shows_the_evidence_and_leaves_with_0(naive: str):
    code, said = run(naive, "--dry-run")
    assert (code, said.splitlines()[0]) == (0, "naive.csv: would be stored with --accept")
    assert "clock: America/New_York (inferred from the bars: certain)" in said


def test_with_accept_it_is_stored_and_the_json_holds_the_evidence(naive: str):
    code, said = run(naive, "--accept", "--json")
    [file] = json.loads(said)["files"]
    assert (code, file["verdict"], file["rows_stored"]) == (0, "stored", 4_200)
    clock = file["clock"]
    assert (clock["clock"], clock["how"], clock["verdict"], clock["accepted"]) == (
        NEW_YORK,
        "inferred",
        "certain",
        True,
    )
    assert clock["candidates"][0]["clock"] == NEW_YORK
    assert clock["candidates"][1]["in_halt"] == 180


def test_a_dry_run_says_what_was_measured(naive: str):
    _, said = run(naive, "--dry-run")
    assert "taken for CSV with a header (csv), because" in said
    assert "columns used: timestamp, open, high, low, close, volume" in said
    assert "bars: of one minute, as 4,196 of 4,200 begin a minute after the one before" in said
    assert "gaps: 4,200 of 4,200 minutes in which CME_INDEX is open have a bar, none is missing" in said
    assert "prices: 14999 to 15001, in ticks of 0.25" in said
    file = json.loads(run(naive, "--dry-run", "--json")[1])["files"][0]
    assert (file["measured"]["expected"], file["measured"]["longest_gap"]) == (4_200, 0)


def test_a_gap_is_told_with_its_length_and_place(naive: str):
    lines = Path(naive).read_text().splitlines(keepends=True)
    Path(naive).write_text("".join(lines[:100] + lines[130:]))
    _, said = run(naive, "--dry-run")
    assert (
        "gaps: 4,170 of 4,200 minutes in which CME_INDEX is open have a bar; the longest gap is 30 minutes after"
        in said
    )
    assert "2024-02-05 00:38Z" in said


def test_a_pattern_that_the_shell_left_as_it_is_names_the_files_that_match(naive: str):
    folder = Path(naive).parent / "Börsen daten [1]"
    folder.mkdir()
    text = Path(naive).read_text().splitlines(keepends=True)
    for part in range(4):
        (folder / f"teil {part}.csv").write_text("".join([text[0], *text[1 + 1050 * part : 1051 + 1050 * part]]))
    (folder.parent / "plain").mkdir()
    for path in folder.iterdir():
        (folder.parent / "plain" / path.name).write_bytes(path.read_bytes())
    code, said = run(str(folder.parent / "plain" / "*.csv"), "--time-zone", NEW_YORK)
    assert (code, "NQ: 4 of 4 files imported; 4,200 bars new" in said) == (0, True)
    code, said = run(str(folder / "teil 0.csv"), "--time-zone", NEW_YORK)
    assert "NQ: 1 of 1 files imported; 0 bars new, 0 revised, 1,050 unchanged" in said
    code, said = run(str(folder.parent / "none*.csv"))
    assert (code, "there is no such file" in said) == (2, True)


def test_many_files_are_told_in_a_line_and_their_notes_are_not_left_away(naive: str):
    text = Path(naive).read_text().splitlines(keepends=True)
    files = []
    for part in range(4):
        rows = text[1 + 1050 * part : 1051 + 1050 * part]
        if part == 2:
            rows[7] = rows[7].replace(",15001,", ",14998,")
        files.append(Path(naive).parent / f"{part}.csv")
        files[-1].write_text("".join([text[0], *rows]))
    _, said = run(*map(str, files), "--time-zone", NEW_YORK)
    assert said.splitlines() == [
        "2.csv: 1 rejected, the first is row 8: high is below low",
        "NQ: 4 of 4 files imported; 4,199 bars new, 0 revised, 0 unchanged, 1 rejected.",
    ]

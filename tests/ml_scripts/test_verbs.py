"""Every verb of `hub`, by the table: help, its object, wrong usage, an empty home, checks that fail, as a script."""

import json
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from tests.hub_home import ROOT
from tests.ml_scripts.conftest import fingerprint
from tests.ml_scripts.hub_runs import Ran, run_hub
from tests.ml_scripts.verb_table import ROWS, takes, verbs

VERBS = verbs()
FINISHING = [name for name, row in ROWS.items() if not row.serves]
WRONG = [(name, arguments, said) for name, row in ROWS.items() for arguments, said in row.wrong]
ONCE = (
    "models rollback",
    "models delete",
    "instrument new",
    "train",
    "demo",
    "shadow",
    "export",
    "audit replay",
    "reproduce",
)
"""What can be done once, and what takes a second."""
ONE_INSTRUMENT = [name for name, command in VERBS.items() if takes(command, "--instrument") and name in ROWS]


def arguments_of(name: str, text: str, words: dict[str, str]) -> list[str]:
    return [*name.split(), *shlex.split(text.format(**words))]


def check_refusal(ran: Ran, said: str) -> None:
    """It left with 2 and said why in words, once, without a trace of the program's insides."""
    assert ran.code == 2, ran
    assert said in ran.said
    assert "Traceback" not in ran.said
    assert len(ran.err.splitlines()) <= 1, "one sentence"


def test_every_verb_has_a_row_and_every_row_a_verb():
    assert sorted(ROWS) == sorted(VERBS), "a new verb needs a row in tests/ml_scripts/verb_table.py"


def test_the_table_of_the_readme_names_every_verb_and_no_other():
    told = set()
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `hub ([^`]+)`", line):
            first, *rest = [word.split()[0] for word in found[1].split(" / ")]
            second = found[1].split(" / ")[0].split()[1:2] if rest or first in ("audit",) else []
            told |= {" ".join((first, name)) for name in (*second, *rest)} if second else {first}
    assert sorted(told) == sorted(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_help_says_what_the_verb_does_and_every_option_says_what_it_is(name: str, tmp_path: Path):
    ran = run_hub(*name.split(), "--help", home=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert " ".join(VERBS[name].help.split())[:60] in " ".join(ran.out.replace("│", " ").split())
    assert [p.name for p in VERBS[name].params if not p.help] == []
    assert takes(VERBS[name], "--json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FINISHING)
@pytest.mark.usefixtures("small")
def test_a_verb_that_is_done_leaves_with_0_and_prints_one_object_or_lines(
    name: str, own_home: Path, words: dict[str, str]
):
    arguments = arguments_of(name, ROWS[name].done, words)
    home = own_home if name != "demo" else own_home.parent / "new"
    ran = run_hub(*arguments, "--json", home=home)
    assert ran.code == 0, ran
    assert ran.object
    assert ran.out.count("\n") == 1
    assert ran.err == ""
    if name not in ONCE:
        again = run_hub(*arguments, home=home)
        assert again.code == 0, again
        assert again.out.strip()
        assert again.err == ""


@pytest.mark.parametrize(("name", "arguments", "said"), WRONG)
def test_wrong_usage_and_bad_input_are_told_in_a_sentence_and_change_nothing(
    name: str, arguments: str, said: str, calm_home: Path, words: dict[str, str]
):
    before = fingerprint(calm_home)
    typed = arguments_of(name, arguments, words)
    check_refusal(run_hub(*typed, home=calm_home), said.format(**words))
    ran = run_hub(*typed, "--json", home=calm_home)
    assert ran.code == 2
    assert json.dumps(ran.object)
    assert fingerprint(calm_home) == before


@pytest.mark.parametrize("name", VERBS)
def test_an_option_that_is_not_known_is_told_with_the_way_to_the_help(name: str, tmp_path: Path):
    ran = run_hub(*name.split(), "--nosuch", "--json", home=tmp_path)
    check_refusal(ran, f"No such option: --nosuch. Try 'hub {name} --help'.")
    assert ran.object == {"error": f"No such option: --nosuch. Try 'hub {name} --help'.", "exit_code": 2}


@pytest.mark.parametrize("name", ONE_INSTRUMENT)
@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("XYZ", "XYZ: no such instrument. Known: BTCUSDT, DEMO, "),
        ("../config", "'../config' is not a symbol; expected letters and digits, such as MGC."),
        ("", "'' is not a symbol; expected letters and digits, such as MGC."),
    ],
)
def test_an_instrument_that_is_not_described_is_told(
    name: str, symbol: str, said: str, calm_home: Path, words: dict[str, str]
):
    typed = [each for each in arguments_of(name, ROWS[name].done, words) if each not in ("--instrument", "NQ")]
    check_refusal(run_hub(*typed, "--instrument", symbol, home=calm_home), said)


@pytest.mark.parametrize("name", [name for name in FINISHING if name not in ("demo", "ingest")])
def test_an_empty_home_is_told_with_what_to_do(name: str, tmp_path: Path, words: dict[str, str]):
    code, said = ROWS[name].empty
    ran = run_hub(*arguments_of(name, ROWS[name].done, words), home=tmp_path / "home")
    assert (ran.code, "Traceback" in ran.said) == (code, False), ran
    assert said in ran.said


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.fails])
@pytest.mark.usefixtures("small")
def test_a_check_that_fails_leaves_with_1_and_says_what_is_wrong(
    name: str, own_home: Path, words: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    assert ROWS[name].fails is not None
    break_it, said = ROWS[name].fails
    break_it(own_home, monkeypatch)
    ran = run_hub(*arguments_of(name, ROWS[name].done, words), "--json", home=own_home)
    assert ran.code == 1, ran
    assert said in ran.err
    assert "Traceback" not in ran.said
    assert ran.object


@pytest.mark.parametrize("script", sorted({name.split()[0] for name in VERBS}))
def test_a_verb_runs_as_a_script_of_its_own(script: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", [f"{script}.py", "--help"])
    said = StringIO()
    with pytest.raises(SystemExit) as left, redirect_stdout(said):
        runpy.run_path(str(ROOT / "ml_scripts" / f"{script}.py"), run_name="__main__")
    assert left.value.code == 0
    assert f"Usage: {script}.py" in said.getvalue()


def test_a_script_finds_the_hub_from_any_folder(own_home: Path, tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, str(ROOT / "ml_scripts" / "settle.py"), "--json"],
        cwd=tmp_path,
        env={"HUB_HOME": str(own_home), "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, json.loads(ran.stdout)["looked_at"]) == (0, 60), ran
    assert ran.stderr == b""


def test_the_version_is_told(tmp_path: Path):
    ran = run_hub("--version", home=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(r"trading hub \d+\.\d+\.\d+\n", ran.out)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("ingst",), "No such command 'ingst'. Did you mean 'ingest'? Try 'hub --help'."),
        (("models", "lst"), "No such command 'lst'. Did you mean 'list'? Try 'hub models --help'."),
        (("build", "--instrumet", "NQ"), "No such option: --instrumet"),
    ],
)
def test_a_typing_mistake_is_answered_with_what_was_meant(typed: tuple[str, ...], said: str, tmp_path: Path):
    check_refusal(run_hub(*typed, home=tmp_path), said)


@pytest.mark.parametrize("words", ["", *sorted({name.split()[0] for name in VERBS}), "models list"])
def test_the_short_help_is_the_help_and_offers_nothing_about_shells(words: str, tmp_path: Path):
    short = run_hub(*words.split(), "-h", home=tmp_path)
    assert (short.code, short.err) == (0, "")
    assert short == run_hub(*words.split(), "--help", home=tmp_path)
    assert "completion" not in short.out

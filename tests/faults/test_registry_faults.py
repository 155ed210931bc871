"""The shelf under attack: killed writers, two writers, damaged files. Readers get all of a version or a clear no."""

import errno
import json
import math
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_models import durable_files, model_registry, version_loader
from ml_models.documents import DamagedVersion
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import FILES, MANIFEST
from ml_models.pointers import PREVIOUS
from tests.ml_models.drafts import at, booster, copy_shelf, damage, draft, resigned, rows, three_versions
from trading.errors import RegistryError

MODEL = "directional"
ROOT = Path(__file__).resolve().parents[2]
WORDS = {"now": at(40), "who": "bob", "why": "because"}


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("template") / "registry"
    return root, three_versions(root)


@pytest.fixture
def shelf(template, tmp_path):
    root, versions = template
    copied = copy_shelf(root, tmp_path / "registry")
    return ModelRegistry(copied), versions, copied / MODEL


@pytest.fixture
def no_child(monkeypatch):
    """A child process is not needed, and not allowed, to find what the hashes find."""

    def never(folder):
        raise AssertionError("the damage should be found before a child process is started")

    monkeypatch.setattr(version_loader, "run_load_check", never)


@pytest.fixture(scope="module")
def killer():
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.registry_killer"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        os.set_blocking(process.stdout.fileno(), False)
        yield process
        process.stdin.close()


def answers_of(version) -> list:
    return version.predict(rows(6)).tolist()


@pytest.mark.parametrize("action", ["publish", "promote", "rollback", "delete"])
def test_a_writer_killed_at_any_step_leaves_the_old_or_the_new_state(action, killer, template, tmp_path, monkeypatch):
    monkeypatch.setattr(model_registry, "run_load_check", lambda folder: None)
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # of the reader and the recovery, not of the killed writer
    source, versions = template
    expected = {seed: booster(seed=seed).predict(rows(6), num_threads=1).tolist() for seed in (1, 2, 3, 4)}
    read, steps, reads = "latest" if action == "publish" else "champion", [], 0
    while True:
        root = copy_shelf(source, tmp_path / f"{action}{len(steps)}")
        old = ModelRegistry(root).load(MODEL, read).version
        killer.stdin.write(f"{action} {root} {len(steps)}\n")
        killer.stdin.flush()
        said = ""
        while not said:
            seen = ModelRegistry(root).load(MODEL, read)
            seed = 4 if seen.version not in versions else versions.index(seen.version) + 1
            assert [answer[1] for answer in answers_of(seen)] == expected[seed]
            assert seen.version == old or seed == {"publish": 4, "promote": 1, "rollback": 2}[action]
            reads += 1
            said = (killer.stdout.readline() or "").strip()
        assert said == "done" or said.startswith("killed"), said
        _check_recovery(root, read)
        if said == "done":
            break
        steps.append(said)
    assert {"killed write", "killed fsync", "killed replace"} <= set(steps)
    assert ("killed rename" in steps) == (action in {"publish", "delete"})
    assert reads > len(steps)


def _check_recovery(root: Path, read: str) -> None:
    """Whatever the crash left: the next writer is not hindered, and journal, pointers and folders agree."""
    registry = ModelRegistry(root)
    before = registry.load(MODEL, read).version
    moves = registry.journal(MODEL)
    assert registry.state_at(MODEL, read, at(59)).version == before
    registry.promote(MODEL, registry.load(MODEL, "latest").version, alias="challenger-1", **WORDS)
    made = registry.publish(MODEL, draft(seed=4), now=at(41), who="bob", why="after the crash")
    assert registry.load(MODEL).version == made
    assert registry.journal(MODEL)[: len(moves)] == moves
    lines = (root / MODEL / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["action"] for line in lines] == [move.action for move in registry.journal(MODEL)]
    actions = [move.action for move in registry.journal(MODEL)]
    assert actions.count("delete") == len([path for path in (root / MODEL / ".deleted").glob("v_*") if path.is_dir()])
    assert "found" not in actions
    listed = {each.version for each in registry.versions(MODEL)}
    assert all(registry.load(MODEL, version).version == version for version in listed)
    published = {move.to_version for move in registry.journal(MODEL) if move.action == "publish"}
    gone = {move.from_version for move in registry.journal(MODEL) if move.action == "delete"}
    assert published - gone <= listed


def test_two_publishers_at_once_both_survive_with_numbers_of_their_own(tmp_path):
    root, start = tmp_path / "registry", tmp_path / "start"
    racing = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.registry_publisher", str(root), name, "2", str(start)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("ann", "bob")
    ]
    assert [process.stdout.readline() for process in racing] == ["ready\n", "ready\n"]
    start.touch()
    made = [version for process in racing for version in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in racing] == [0, 0]
    registry = ModelRegistry(root)
    assert len(set(made)) == 4
    assert [each.version for each in registry.versions(MODEL)] == sorted(made)
    moves = registry.journal(MODEL)
    assert sorted(move.to_version for move in moves) == sorted(made)
    assert [move.from_version for move in moves[1:]] == [move.to_version for move in moves[:-1]]
    assert registry.load(MODEL).version == moves[-1].to_version
    assert all(registry.load(MODEL, version).version == version for version in made)


def test_many_writers_in_one_process_take_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(model_registry, "run_load_check", lambda folder: None)
    root, made = tmp_path / "registry", draft()
    with ThreadPoolExecutor(8) as writers:
        versions = list(
            writers.map(lambda _: ModelRegistry(root).publish(MODEL, made, now=at(1), who="ann", why="race"), range(24))
        )
    moves = ModelRegistry(root).journal(MODEL)
    assert len(set(versions)) == len(moves) == 24
    assert [move.from_version for move in moves[1:]] == [move.to_version for move in moves[:-1]]
    assert (root / MODEL / "LATEST_VERSION.txt").read_text().strip() == moves[-1].to_version


def _flip(content: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << dice.randrange(8))]) + content[place + 1 :]


def _truncate(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


def _extend(content: bytes, dice: random.Random) -> bytes:
    return content + dice.randbytes(dice.randrange(1, 50))


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_any_change_of_any_file_is_found_and_the_file_named(name, shelf, no_child):
    registry, (_, _, third), folder = shelf
    path, dice = folder / third / name, random.Random(name)  # noqa: S311  # repeatable damage, not a secret
    good = path.read_bytes()
    for attack in (_flip, _truncate, _extend) * 8:
        damage(path, attack(good, dice))
        with pytest.raises(DamagedVersion) as caught:
            ModelRegistry(registry.root).load(MODEL, dice.choice([third, "champion", "latest"]))
        assert caught.value.file == name
        assert str(caught.value).startswith(f"directional {third}")
        assert "hub models rollback" in str(caught.value)
    assert [name in problem for problem in registry.verify(MODEL, third)] == [True]
    damage(path, good)
    assert ModelRegistry(registry.root).load(MODEL).version == third


def test_a_missing_and_an_extra_file_are_named_all_at_once(shelf, no_child):
    registry, (_, _, third), folder = shelf
    (folder / third / "schema.json").unlink()
    (folder / third / "notes.txt").write_text("mine")
    (folder / third / "model.txt").chmod(0o644)
    (folder / third / "model.txt").write_bytes(b"tree\n")
    problems = registry.verify(MODEL, third)
    assert [problem.split(": ")[1] for problem in problems] == ["model.txt", "schema.json", "notes.txt"]
    assert "has 5 bytes" in problems[0]
    assert "is missing" in problems[1]
    assert "does not belong to the version; move it out of the folder." in problems[2]
    assert all("\n" not in problem for problem in problems)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not readable JSON"),
        (b"\xff\xfe", "is not readable JSON"),
        (b"[" * 100_000, "is not readable JSON"),
        (b"[1]", "holds list, expected a JSON object"),
        (b'{"format": NaN}', "NaN is not JSON"),
        (b'{"format": "1"}', "format: expected int, found '1'"),
        (b'{"format": 2}', "has format 2, this hub reads up to 1; a newer hub published it: update this one."),
        (b'{"format": 1}', "has no model"),
    ],
)
def test_a_manifest_that_is_none_says_what_it_is(content, said, shelf, no_child):
    registry, (_, _, third), folder = shelf
    damage(folder / third / MANIFEST, content)
    with pytest.raises(DamagedVersion, match=r"manifest\.json") as caught:
        registry.load(MODEL)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("file", "change", "named", "said"),
    [
        ("model.txt", lambda text: text[: len(text) // 3], "model.txt", "ends before its last tree"),
        ("model.txt", lambda text: _without_a_letter(text), "model.txt", "ended the check process|cannot read it"),
        ("model.txt", lambda text: _next_digit(text), "golden.json", r"row \d is not predicted"),
        ("golden.json", lambda text: _next_float(text), "golden.json", "row 0 is not predicted"),
        ("schema.json", lambda text: text.replace(b"hour", b"year"), "schema.json", "unlike the 4 in model.txt"),
        ("schema.json", lambda text: text.replace(b'"UP"', b'"UP", "NONE"'), "schema.json", "do not fit"),
        ("calibrator.json", lambda text: b'{"kind": "isotonic", "temperature": 1}', "calibrator.json", "isotonic"),
        ("metadata.json", lambda text: text.replace(b'"trials": 1', b'"trials": true'), "metadata.json", "trials"),
    ],
)
def test_a_damaged_version_with_a_fitting_manifest_is_stopped_in_the_child_process(file, change, named, said, shelf):
    registry, (first, _, _), folder = shelf
    bad = resigned(folder, first, {file: change((folder / first / file).read_bytes())})
    with pytest.raises(DamagedVersion, match=said) as caught:
        registry.load(MODEL, bad)
    assert caught.value.file == named
    with pytest.raises(DamagedVersion):
        registry.promote(MODEL, bad, **WORDS)
    assert registry.load(MODEL).version != bad


def _next_digit(text: bytes) -> bytes:
    """Change the first digit of the first leaf value: LightGBM reads that without a word."""
    place = text.index(b"leaf_value=") + len(b"leaf_value=") + (text[text.index(b"leaf_value=") + 11] == ord("-")) + 2
    return text[:place] + (b"7" if text[place : place + 1] != b"7" else b"3") + text[place + 1 :]


def _without_a_letter(text: bytes) -> bytes:
    """Make the first tree shorter than the text says: LightGBM loses its way, and mostly ends the process."""
    place = text.index(b"leaf_value=") + 15
    return text[:place] + text[place + 1 :]


def _next_float(text: bytes) -> bytes:
    golden = json.loads(text)
    golden["predictions"][0][0] = math.nextafter(golden["predictions"][0][0], 1.0)
    return json.dumps(golden).encode()


def test_a_version_under_another_number_or_model_is_not_taken_for_it(shelf, no_child):
    registry, (first, _, third), folder = shelf
    (folder / first).rename(folder / "v_20250627_120100-00000")
    with pytest.raises(DamagedVersion, match=f"manifest.json: is of directional {first}"):
        registry.load(MODEL, "v_20250627_120100-00000")
    copy_shelf(folder, registry.root / "entry_quality")
    with pytest.raises(DamagedVersion, match=f"is of directional {third}"):
        registry.load("entry_quality")


@pytest.mark.parametrize(
    ("file", "content", "which", "said"),
    [
        ("LATEST_VERSION.txt", b"", "latest", "LATEST_VERSION.txt: is empty; write the number of a good version"),
        ("LATEST_VERSION.txt", b"\xff\xff", "latest", "LATEST_VERSION.txt: holds '\N{REPLACEMENT CHARACTER}', not a"),
        ("LATEST_VERSION.txt", b"../../x", "latest", "LATEST_VERSION.txt: holds '../../x', not a model version"),
        ("LATEST_VERSION.txt", b"v_20250101_000000-abcde", "latest", "which is not on the shelf"),
        ("aliases/champion.json", b"", "champion", "aliases/champion.json: is not readable JSON"),
        ("aliases/champion.json", b"{}", "champion", "aliases/champion.json: has no action"),
    ],
)
def test_a_damaged_pointer_is_named_and_can_be_set_again(file, content, which, said, shelf):
    registry, (first, _, third), folder = shelf
    damage(folder / file, content)
    with pytest.raises(DamagedVersion) as caught:
        registry.load(MODEL, which)
    assert said in str(caught.value)
    assert len(registry.versions(MODEL)) == 3
    if which == "champion":
        answered, warning = registry.load_or_previous(MODEL)
        assert answered.version == third
        assert "aliases/champion.json" in warning
    registry.promote(MODEL, first, alias=which, **WORDS)
    assert registry.load(MODEL, which).version == first


def test_a_latest_pointer_moved_by_hand_is_followed_and_written_down(shelf):
    registry, (first, second, third), folder = shelf
    (folder / "LATEST_VERSION.txt").write_text(first)
    assert registry.load(MODEL).version == first
    registry.promote(MODEL, second, **WORDS)
    found = json.loads((folder / "journal.jsonl").read_text().splitlines()[-2])
    assert (found["action"], found["alias"], found["to"], found["who"]) == ("found", "latest", first, "unknown")
    with pytest.raises(RegistryError, match=r"LATEST_VERSION\.txt"):
        registry.delete(MODEL, first, referenced=lambda version_hash: False, **WORDS)
    assert registry.rollback(MODEL, "latest", **WORDS).version == third


def test_a_torn_last_line_is_ignored_and_cut_off_by_the_next_move(shelf):
    registry, (first, _, _), folder = shelf
    before = registry.journal(MODEL)
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"at": "2025-06-27T12:3')
    assert registry.journal(MODEL) == before
    registry.promote(MODEL, first, **WORDS)
    assert len(registry.journal(MODEL)) == len(before) + 1
    assert all(json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines())


def test_a_damaged_journal_stops_moves_but_not_answers(shelf):
    registry, (first, _, third), folder = shelf
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(lines[0] + b"garbage\n" + lines[1])
    assert registry.load(MODEL, "champion").version == third
    for call in (
        lambda: registry.load(MODEL, PREVIOUS),
        lambda: registry.promote(MODEL, first, **WORDS),
        lambda: registry.state_at(MODEL, "champion", at(59)),
    ):
        with pytest.raises(DamagedVersion, match=r"journal.jsonl: .* restore it from a backup"):
            call()
    assert registry.load(MODEL, "champion").version == third


def test_a_damaged_champion_is_never_replaced_silently(shelf):
    registry, (_, second, third), folder = shelf
    damage(folder / third / "model.txt", b"tree\n")
    with pytest.raises(DamagedVersion, match=rf"directional {third} \(champion\): model.txt: has 5 bytes"):
        registry.load(MODEL, "champion")
    answered, warning = registry.load_or_previous(MODEL)
    assert answered.version == second
    assert warning.startswith(f"directional {third} (champion): model.txt: has 5 bytes")
    assert warning.endswith(f"Until then {second} answers in its place.")
    assert registry.rollback(MODEL, **WORDS).version == second
    assert registry.load_or_previous(MODEL) == (answered, None)


def test_with_all_versions_damaged_nothing_answers_and_a_rollback_moves_nothing(shelf):
    registry, versions, folder = shelf
    for version in versions:
        damage(folder / version / "model.txt", b"tree\n")
    with pytest.raises(DamagedVersion, match="champion"):
        registry.load_or_previous(MODEL)
    before = registry.journal(MODEL)
    with pytest.raises(DamagedVersion, match=versions[1]):
        registry.rollback(MODEL, **WORDS)
    assert registry.journal(MODEL) == before


def test_what_this_process_has_loaded_keeps_answering_while_its_files_are_damaged(shelf):
    registry, (_, _, third), folder = shelf
    loaded = registry.load(MODEL)
    damage(folder / third / "model.txt", b"tree\n")
    assert registry.load(MODEL) is loaded
    assert len(registry.verify(MODEL, third)) == 1


def test_the_child_process_runs_once_per_version_and_machine(shelf, monkeypatch):
    registry, (first, _, _), folder = shelf
    calls = []
    monkeypatch.setattr(version_loader, "run_load_check", lambda path: calls.append(path.name))
    ModelRegistry(registry.root).load(MODEL, first)
    assert calls == []
    for mark in (folder / ".checked").iterdir():
        mark.unlink()
    ModelRegistry(registry.root).load(MODEL, first)
    ModelRegistry(registry.root).load(MODEL, first)
    assert calls == [first]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_is_full_or_forbidden_publishes_nothing_and_says_so(code, shelf, monkeypatch):
    registry, (first, _, third), folder = shelf
    names = sorted(path.name for path in folder.iterdir())

    def refuse(handle, content):
        raise OSError(code, os.strerror(code), "model.txt")

    monkeypatch.setattr(durable_files.os, "write", refuse)
    for call in (
        lambda: registry.publish(MODEL, draft(seed=4), **WORDS),
        lambda: registry.promote(MODEL, first, **WORDS),
    ):
        with pytest.raises(RegistryError, match=f"cannot be written: {os.strerror(code)}") as caught:
            call()
        assert caught.value.exit_code == 2
    monkeypatch.undo()
    assert sorted(path.name for path in folder.iterdir()) == names
    assert registry.load(MODEL, "champion").version == registry.load(MODEL).version == third


@pytest.mark.parametrize("full_at", ["latest.json", "LATEST_VERSION.txt"])
def test_a_disk_that_is_full_when_the_pointer_moves_takes_the_version_back(full_at, shelf, monkeypatch):
    registry, (_, _, third), folder = shelf
    names = sorted(path.name for path in folder.iterdir())
    replace = os.replace

    def refuse(source, target):
        if Path(target).name == full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        replace(source, target)

    monkeypatch.setattr(model_registry, "run_load_check", lambda path: None)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RegistryError, match="No space left on device"):
        registry.publish(MODEL, draft(seed=4), **WORDS)
    monkeypatch.undo()
    assert [each.version for each in registry.versions(MODEL)][-1] == third
    assert {path.name for path in folder.iterdir()} - set(names) <= {".LATEST_VERSION.txt.aside"}
    assert registry.load(MODEL).version == third
    assert len(registry.journal(MODEL)) == 6


def test_a_lock_that_is_never_given_back_is_an_answer_not_a_hang(shelf, monkeypatch):
    registry, (first, _, _), folder = shelf
    monkeypatch.setattr(model_registry, "_LOCK_WAIT_S", 0.05)
    with registry._locked(folder), pytest.raises(RegistryError, match="another process has been changing"):
        ModelRegistry(registry.root).promote(MODEL, first, **WORDS)


def test_the_check_process_says_in_one_line_what_it_found(template):
    root, (first, _, _) = template
    folder = root / MODEL / first
    for arguments, code, verdict in [
        ([str(folder)], 0, {"ok": True, "version_hash": ModelRegistry(root).load(MODEL, first).version_hash}),
        ([str(root / "nowhere")], 1, {"ok": False, "file": "manifest.json", "problem": "is missing"}),
        ([], 2, {"ok": False, "file": "", "problem": "usage: python -m ml_models.load_check FOLDER"}),
    ]:
        child = subprocess.run(
            [sys.executable, "-m", "ml_models.load_check", *arguments], cwd=ROOT, capture_output=True
        )
        assert (child.returncode, json.loads(child.stdout)) == (code, verdict)
        assert child.stdout.count(b"\n") == 1

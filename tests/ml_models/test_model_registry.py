"""The shelf: what is published comes back bit for bit, pointers move and remember, what is needed stays."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import filelock
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ml_models import durable_files, model_registry
from ml_models.calibrator import Calibrator
from ml_models.documents import DamagedVersion
from ml_models.metadata import Column, Golden, Metadata, Schema
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import FILES, MANIFEST, VersionId
from tests.ml_models.drafts import NAMES, at, booster, copy_shelf, draft, metadata, rows, three_versions
from trading.errors import Refused, RegistryError

MODEL = "directional"


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("template") / "registry"
    return root, three_versions(root)


@pytest.fixture
def shelf(template, tmp_path):
    root, versions = template
    return ModelRegistry(copy_shelf(root, tmp_path / "registry")), versions


@pytest.fixture
def unchecked(monkeypatch):
    monkeypatch.setattr(model_registry, "run_load_check", lambda folder: None)


def nothing_refers(version_hash: str) -> bool:
    return False


def who(minute: int, why: str = "because") -> dict:
    return {"now": at(minute), "who": "bob", "why": why}


def test_a_published_version_is_complete_read_only_and_latest(shelf):
    registry, (_, _, third) = shelf
    folder = registry.root / MODEL / third
    assert third.startswith("v_20250627_120300-")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, MANIFEST])
    assert {stat.S_IMODE(path.stat().st_mode) & 0o222 for path in folder.iterdir()} == {0}
    assert (registry.root / MODEL / "LATEST_VERSION.txt").read_text() == f"{third}\n"
    assert not list((registry.root / MODEL).glob(".tmp-*"))


def test_a_loaded_version_answers_bit_for_bit_as_the_model_did_in_training(shelf):
    registry, (_, second, _) = shelf
    model = registry.load(MODEL, second)
    expected = booster(seed=2).predict(rows(50), num_threads=1)
    assert (model.predict(rows(50)) == np.column_stack([1 - expected, expected])).all()
    assert model.metadata == metadata(seed=2)
    assert model.schema.classes == ("DOWN", "UP")
    assert model.metrics == {"note": "tiny"}
    assert registry.load(MODEL, second) is model


def test_versions_are_listed_oldest_first_with_what_points_at_them(shelf):
    registry, (first, second, third) = shelf
    listed = registry.versions(MODEL)
    assert [(each.version, each.aliases, each.who, each.why) for each in listed] == [
        (first, (), "ann", "seed 1"),
        (second, (), "ann", "seed 2"),
        (third, ("champion", "latest"), "ann", "seed 3"),
    ]
    assert listed[0].created_at == at(1)
    assert listed[2].version_hash == registry.load(MODEL).version_hash
    assert registry.models() == (MODEL,)


def test_one_row_alone_is_answered_as_in_a_batch_in_every_kind_of_model(tmp_path, unchecked):
    registry = ModelRegistry(tmp_path)
    kinds = [
        ((), Calibrator()),
        (("DOWN", "UP"), Calibrator("platt", slope=0.7, intercept=-0.2)),
        (("DOWN", "UP"), Calibrator("temperature", temperature=1.7)),
        (("DOWN", "NONE", "UP"), Calibrator("temperature", temperature=0.6)),
    ]
    batch = rows(40, seed=5)
    for number, (classes, calibrator) in enumerate(kinds):
        version = registry.publish(MODEL, draft(classes, calibrator=calibrator), **who(number))
        model = registry.load(MODEL, version)
        margins = max(1, len(classes)) if len(classes) != 2 else 1
        for answer, shape in [
            (model.predict, (40, max(1, len(classes)))),
            (model.margins, (40, margins)),
            (model.contributions, (40, margins, len(NAMES) + 1)),
        ]:
            whole = answer(batch)
            assert whole.shape == shape
            assert answer(batch[:0]).shape == (0, *shape[1:])
            assert all((answer(batch[i : i + 1]) == whole[i]).all() for i in range(40))
            assert (answer(np.asfortranarray(batch)) == whole).all()
        np.testing.assert_allclose(model.contributions(batch).sum(axis=2), model.margins(batch), atol=1e-12)
        if classes:
            np.testing.assert_allclose(model.predict(batch).sum(axis=1), 1.0, atol=1e-15)


def test_calibrators_give_the_textbook_probabilities():
    margins = np.array([[0.0], [2.0]])
    assert Calibrator("temperature", temperature=2.0).apply(margins)[:, 1] == pytest.approx([0.5, 0.7310585786300049])
    assert Calibrator("platt", slope=2.0, intercept=-4.0).apply(margins)[:, 1] == pytest.approx(
        [0.01798620996209156, 0.5]
    )
    three = Calibrator("temperature", temperature=1.0).apply(np.log([[0.2, 0.3, 0.5]]))
    assert three == pytest.approx(np.array([[0.2, 0.3, 0.5]]))
    huge = Calibrator("temperature", temperature=1.0).apply(np.array([[1000.0, 0.0, -1000.0]]))
    assert huge.tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("close_in_range", "size_in_atr", "hour"), "missing volume_share"),
        ((*NAMES, "tomorrow"), "not known to the model: tomorrow"),
        (("size_in_atr", "close_in_range", "hour", "volume_share"), "input 1 is size_in_atr, expected close_in_range"),
        ((*NAMES, "hour"), "a name is given twice"),
    ],
)
def test_features_that_do_not_fit_are_refused_by_name(shelf, names, said):
    with pytest.raises(Refused, match=said) as refusal:
        shelf[0].load(MODEL).check_schema(names)
    assert refusal.value.code == "schema_mismatch"


def test_rows_of_another_width_or_type_are_refused_and_fitting_names_are_not(shelf):
    model = shelf[0].load(MODEL)
    model.check_schema(NAMES)
    model.check_schema(list(NAMES))
    for wrong in (rows(3)[:, :3], rows(3).astype(np.float32), rows(3)[0]):
        with pytest.raises(Refused, match="float64 rows of 4 inputs"):
            model.predict(wrong)


def test_golden_rows_and_metadata_survive_json_bit_for_bit():
    awkward = np.array([[0.1, -0.0, 5e-324], [np.nan, 1.7976931348623157e308, 1 / 3]])
    golden = Golden(awkward, np.array([0.1 + 0.2, 1e-17]))
    back = Golden.read(json.dumps(golden.document()).encode())
    assert (back.rows.view(np.uint64) == golden.rows.view(np.uint64)).all()
    assert back.predictions.tolist() == [[0.30000000000000004], [1e-17]]
    assert golden.differs_from(back.predictions) is None
    assert golden.differs_from(np.array([0.3, 1e-17])) == 0
    assert Golden(awkward, np.array([0.0, 1.0])).differs_from(np.array([-0.0, 1.0])) == 0
    full = metadata(parent="v_20250101_000000-00000", limits=("a", "b"), expires_on=at(0).date(), extra={"rounds": 7})
    assert Metadata.read(json.dumps(full.document()).encode()) == full
    schema = Schema((Column("a", -1.5, None, "refused"), Column("b")), ())
    assert Schema.read(json.dumps(schema.document()).encode()) == schema


def test_a_golden_row_with_infinity_cannot_be_made():
    with pytest.raises(RegistryError, match="infinity"):
        Golden(np.array([[np.inf]]), np.array([0.5]))


def test_a_rollback_goes_back_one_version_each_time_and_previous_follows(shelf):
    registry, (first, second, third) = shelf
    assert registry.alias(MODEL, "previous").version == second
    assert registry.rollback(MODEL, **who(20, "worse")).version == second
    assert registry.load(MODEL, "champion").version == second
    assert registry.load(MODEL, "previous").version == first
    assert registry.rollback(MODEL, **who(21)).version == first
    assert registry.alias(MODEL, "previous") is None
    with pytest.raises(RegistryError, match="champion has no version before"):
        registry.rollback(MODEL, **who(22))
    assert registry.load(MODEL, "latest").version == third


def test_the_journal_tells_who_moved_what_why_and_when(shelf):
    registry, (_, second, third) = shelf
    registry.promote(MODEL, second, alias="challenger-1", evidence_hash="e" * 64, **who(30, "to compare"))
    text = (registry.root / MODEL / "journal.jsonl").read_text()
    assert json.loads(text.splitlines()[-1]) == {
        "at": "2025-06-27T12:30:00+00:00",
        "action": "promote",
        "alias": "challenger-1",
        "from": None,
        "to": second,
        "manifest_sha256": registry.load(MODEL, second).version_hash,
        "who": "bob",
        "why": "to compare",
        "evidence_sha256": "e" * 64,
    }
    assert [(move.action, move.alias) for move in registry.journal(MODEL)] == [("publish", "latest")] * 3 + [
        ("promote", "champion")
    ] * 3 + [("promote", "challenger-1")]
    assert registry.alias(MODEL, "champion").version == third


def test_where_a_pointer_was_at_any_instant_follows_from_the_journal(shelf):
    registry, (first, second, third) = shelf
    registry.rollback(MODEL, **who(20))
    found = {minute: registry.state_at(MODEL, "champion", at(minute)) for minute in (10, 11, 12, 13, 19, 20, 59)}
    versions = {minute: pointer and pointer.version for minute, pointer in found.items()}
    assert versions == {10: None, 11: first, 12: second, 13: third, 19: third, 20: second, 59: second}
    assert registry.state_at(MODEL, "latest", at(2)).version == second
    assert registry.state_at(MODEL, "previous", at(13)).version == second
    assert found[20].version_hash == registry.load(MODEL, second).version_hash
    with pytest.raises(ValueError, match="no time zone"):
        registry.state_at(MODEL, "champion", datetime(2025, 6, 27))  # noqa: DTZ001  # the point of the test


def test_promoting_where_the_alias_already_points_changes_nothing(shelf):
    registry, (_, _, third) = shelf
    before = registry.journal(MODEL)
    assert registry.promote(MODEL, third, **who(40)).version == third
    assert registry.journal(MODEL) == before


@pytest.mark.parametrize("pick", ["third", "second"])
def test_what_a_pointer_or_a_rollback_needs_is_not_deleted(shelf, pick):
    registry, (_, second, third) = shelf
    version = {"third": third, "second": second}[pick]
    needed = {"third": "champion, LATEST_VERSION.txt", "second": "the rollback of champion, the rollback of latest"}
    with pytest.raises(RegistryError, match=f"still needed by: {needed[pick]}"):
        registry.delete(MODEL, version, referenced=nothing_refers, **who(30))
    assert registry.load(MODEL, version).version == version


def test_what_a_logged_prediction_refers_to_is_not_deleted(shelf):
    registry, (first, _, _) = shelf
    version_hash = registry.load(MODEL, first).version_hash
    with pytest.raises(RegistryError, match="logged predictions"):
        registry.delete(MODEL, first, referenced=lambda asked: asked == version_hash, **who(30))
    assert registry.load(MODEL, first).version == first


def test_a_deleted_version_is_gone_kept_aside_and_its_number_never_used_again(shelf, unchecked):
    registry, (first, second, _) = shelf
    registry.delete(MODEL, first, referenced=nothing_refers, **who(30, "old"))
    assert registry.versions(MODEL)[0].version == second
    assert (registry.root / MODEL / ".deleted" / first / "model.txt").is_file()
    with pytest.raises(RegistryError, match="it was deleted"):
        registry.load(MODEL, first)
    again = registry.publish(MODEL, draft(seed=1), now=at(1), who="ann", why="seed 1")
    assert again != first
    assert again[:17] == first[:17]
    registry.rollback(MODEL, **who(31))
    with pytest.raises(RegistryError, match="no version before"):
        registry.rollback(MODEL, **who(32))


def test_a_damaged_version_can_be_deleted_but_not_while_its_first_hash_is_referenced(shelf):
    registry, (first, _, _) = shelf
    version_hash = registry.load(MODEL, first).version_hash
    manifest = registry.root / MODEL / first / MANIFEST
    manifest.chmod(0o644)
    manifest.write_text("{}")
    with pytest.raises(RegistryError, match="logged predictions"):
        registry.delete(MODEL, first, referenced=lambda asked: asked == version_hash, **who(30))
    assert registry.versions(MODEL)[0].problem == "manifest.json: has no format"
    registry.delete(MODEL, first, referenced=nothing_refers, **who(30))
    assert len(registry.versions(MODEL)) == 2


def test_the_same_draft_in_the_same_second_gets_another_number(tmp_path, unchecked):
    registry = ModelRegistry(tmp_path)
    made = [registry.publish(MODEL, draft(), **who(1)) for _ in range(3)]
    assert len(set(made)) == 3
    assert [registry.verify(MODEL, version) for version in made[1:2]] == [[]]
    assert registry.load(MODEL).version == made[2]


def test_what_dead_publishers_left_is_swept_after_an_hour_and_not_before(tmp_path, unchecked):
    folder = tmp_path / MODEL
    old, young = folder / ".tmp-20250627_105900-aa", folder / ".tmp-20250627_110100-bb"
    for left in (old, young):
        left.mkdir(parents=True)
        durable_files.write_new(left / "model.txt", b"half")
    ModelRegistry(tmp_path).publish(MODEL, draft(), **who(0))
    assert not old.exists()
    assert young.exists()


def test_a_model_is_copied_between_two_changes_without_what_is_half_made_or_of_this_machine(shelf, tmp_path):
    registry, versions = shelf
    registry.delete(MODEL, versions[0], referenced=nothing_refers, **who(30))
    folder, copies = registry.root / MODEL, ModelRegistry(tmp_path / "copies")
    durable_files.make_folder(folder / ".tmp-20250627_110100-bb")
    with ThreadPoolExecutor() as pool:
        with filelock.FileLock(folder / ".lock"):  # somebody moves a pointer
            copying = pool.submit(registry.copy_model, MODEL, copies.root)
            with pytest.raises(TimeoutError):
                copying.result(timeout=0.2)
            assert not copies.root.exists() or not list(copies.root.iterdir())
        copying.result(timeout=30)
    assert copies.journal(MODEL) == registry.journal(MODEL)
    assert [each.version for each in copies.versions(MODEL)] == list(versions[1:])
    assert copies.load(MODEL).version == registry.load(MODEL).version
    hidden = sorted(path.name for path in (copies.root / MODEL).iterdir() if path.name.startswith("."))
    assert hidden == [".checked", ".deleted"], "the check of the version that was loaded here just now"
    with pytest.raises(RegistryError, match="cannot be written: File exists"):
        registry.copy_model(MODEL, copies.root)


def test_a_model_that_does_not_come_back_as_it_was_is_not_published(tmp_path):
    registry, good = ModelRegistry(tmp_path), draft()
    other = draft(seed=2)
    wrong = type(good)(**{**good.__dict__, "golden": other.golden})
    with pytest.raises(DamagedVersion, match=r"golden.json: row 0 is not predicted .*; .* nothing was published"):
        registry.publish(MODEL, wrong, **who(1))
    assert registry.versions(MODEL) == ()
    with pytest.raises(RegistryError, match="latest does not point at any version"):
        registry.load(MODEL)


def test_metrics_with_nan_are_not_published(tmp_path, unchecked):
    good = draft()
    wrong = type(good)(**{**good.__dict__, "metrics": {"log_loss": float("nan")}})
    with pytest.raises(RegistryError, match=r"metrics.json: .* write a missing number as null"):
        ModelRegistry(tmp_path).publish(MODEL, wrong, **who(1))
    assert ModelRegistry(tmp_path).models() == ()


def test_a_name_an_alias_and_a_version_are_checked(shelf):
    registry, (first, _, _) = shelf
    for call, said in [
        (lambda: registry.load("../etc"), "is not a model name"),
        (lambda: registry.load("entry_quality"), r"no model 'entry_quality' .*known: directional"),
        (lambda: registry.load(MODEL, "v_20250101_000000-abcde"), "has no version"),
        (lambda: registry.load(MODEL, "Champion!"), "is not an alias"),
        (lambda: registry.load(MODEL, "challenger-9"), "'hub models promote' sets it"),
        (lambda: registry.promote(MODEL, first, alias="previous", **who(1)), "cannot be moved"),
        (lambda: registry.promote(MODEL, "v1", **who(1)), "'v1' is not a model version"),
        (lambda: registry.promote(MODEL, first, now=at(1), who=" ", why="x"), "one of them is empty"),
        (lambda: ModelRegistry(registry.root / "nowhere").load(MODEL), "no model registry at"),
    ]:
        with pytest.raises(RegistryError, match=said) as caught:
            call()
        assert caught.value.exit_code == 2
        assert "\n" not in str(caught.value)


def test_a_day_or_time_that_does_not_exist_is_no_version():
    assert VersionId.fits("v_20240229_235959-0a1b2")
    for wrong in ("v_20230229_000000-0a1b2", "v_20240101_240000-0a1b2", "v_20240101_000000-0A1B2", "v_1", "latest"):
        assert not VersionId.fits(wrong)


@pytest.fixture(scope="module")
def quick_disk():
    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", lambda handle: None)
    patch.setattr(model_registry, "run_load_check", lambda folder: None)
    yield
    patch.undo()


class Pointers(RuleBasedStateMachine):
    """The registry against a plain model: a list of versions and a stack per alias."""

    def __init__(self):
        super().__init__()
        self.root = self.base / f"run{len(list(self.base.iterdir()))}"
        self.registry, self.minutes = ModelRegistry(self.root), 0
        self.made: list[VersionId] = []
        self.alive: list[VersionId] = []
        self.stacks: dict[str, list[VersionId]] = {"latest": [], "champion": [], "challenger-1": []}
        self.seen: list[tuple[datetime, dict[str, VersionId | None]]] = []

    def words(self) -> dict:
        self.minutes += 1
        return {"now": datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=self.minutes), "who": "me", "why": "test"}

    @rule(same=st.booleans())
    def publish(self, same):
        words = self.words()
        if same:
            words["now"] = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=self.minutes - 1)
        version = self.registry.publish(MODEL, draft(), **words)
        assert version not in self.made
        self.made.append(version)
        self.alive.append(version)
        self.stacks["latest"].append(version)

    @precondition(lambda self: self.alive)
    @rule(alias=st.sampled_from(["latest", "champion", "challenger-1"]), data=st.data())
    def promote(self, alias, data):
        version = data.draw(st.sampled_from(self.alive))
        self.registry.promote(MODEL, version, alias, **self.words())
        if self.stacks[alias][-1:] != [version]:
            self.stacks[alias].append(version)

    @precondition(lambda self: self.alive)
    @rule(alias=st.sampled_from(["latest", "champion", "challenger-1"]))
    def rollback(self, alias):
        words = self.words()
        if len(self.stacks[alias]) < 2:
            with pytest.raises(RegistryError):
                self.registry.rollback(MODEL, alias, **words)
        else:
            self.stacks[alias].pop()
            assert self.registry.rollback(MODEL, alias, **words).version == self.stacks[alias][-1]

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def delete(self, data):
        version, words = data.draw(st.sampled_from(self.alive)), self.words()
        if any(version in stack[-2:] for stack in self.stacks.values()):
            with pytest.raises(RegistryError, match="still needed"):
                self.registry.delete(MODEL, version, referenced=nothing_refers, **words)
            return
        self.registry.delete(MODEL, version, referenced=nothing_refers, **words)
        self.alive.remove(version)
        for alias, stack in self.stacks.items():
            left = [each for each in stack if each != version]
            self.stacks[alias] = [each for i, each in enumerate(left) if i == 0 or each != left[i - 1]]

    @precondition(lambda self: self.alive)
    @rule()
    def tear_the_journal(self):
        with (self.root / MODEL / "journal.jsonl").open("ab") as journal:
            journal.write(b'{"at": "2025-01-')

    @invariant()
    def pointers_are_where_they_were_moved(self):
        if not self.made:
            return
        expected = {alias: stack[-1] if stack else None for alias, stack in self.stacks.items()}
        found = {alias: self.registry.alias(MODEL, alias) for alias in expected}
        assert {alias: pointer and pointer.version for alias, pointer in found.items()} == expected
        assert [each.version for each in self.registry.versions(MODEL)] == sorted(self.alive)
        instant = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=self.minutes)
        for alias, version in expected.items():
            state = self.registry.state_at(MODEL, alias, instant)
            assert (state and state.version) == version


def test_any_order_of_moves_leaves_pointers_journal_and_shelf_in_agreement(tmp_path, quick_disk):
    Pointers.base = tmp_path
    limits = settings(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Pointers, settings=limits)


def test_a_candidate_moves_no_pointer_and_is_judged_once(shelf):
    registry, (_, _, third) = shelf
    candidate = registry.publish(MODEL, draft(seed=5), **who(20), pointed=False)
    summary = registry.versions(MODEL)[-1]
    assert (summary.version, summary.standing, summary.candidate) == (candidate, ("candidate",), True)
    assert registry.alias(MODEL, "latest").version == third
    assert registry.verify(MODEL, candidate) == []
    with pytest.raises(RegistryError, match="is a candidate that is not judged yet"):
        registry.promote(MODEL, candidate, **who(21))
    registry.promote(MODEL, candidate, "challenger-1", **who(22))
    assert registry.versions(MODEL)[-1].standing == ("challenger-1",)
    with pytest.raises(RegistryError, match="cannot be rejected: it is or was challenger-1"):
        registry.reject(MODEL, candidate, **who(23))
    registry.promote(MODEL, candidate, **who(24))
    assert registry.load(MODEL, "champion").version == candidate


def test_a_rejected_version_is_kept_with_its_reason_and_never_pointed_at(shelf):
    registry, _ = shelf
    candidate = registry.publish(MODEL, draft(seed=5), **who(20), pointed=False)
    registry.reject(MODEL, candidate, **who(21, "no better"))
    registry.reject(MODEL, candidate, **who(22, "another word"))
    summary = registry.versions(MODEL)[-1]
    assert (summary.standing, summary.rejected) == (("rejected",), "no better")
    for alias in ("champion", "challenger-1"):
        with pytest.raises(RegistryError, match=r"was rejected on 2025-06-27 and is not pointed at \(no better\)"):
            registry.promote(MODEL, candidate, alias, **who(23))
    later = registry.publish(MODEL, draft(seed=6), **who(24))
    assert registry.alias(MODEL, "latest").version == later
    registry.delete(MODEL, candidate, **who(25), referenced=nothing_refers)
    assert candidate not in [each.version for each in registry.versions(MODEL)]

"""What a published version says about itself: schema.json, metadata.json, golden.json as typed values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml_models.documents import DamagedVersion, Fields, Json, decode
from ml_models.walk_start import WalkStart
from trading.domain.label import BREAK_DIRECTION, LABELS, Label, label_named
from trading.errors import Refused, RegistryError

Matrix: TypeAlias = NDArray[np.float64]

_MISSING_RULES: Final = ("allowed", "refused")


@dataclass(frozen=True)
class Column:
    """One input of the model: its range in training (None without a finite value) and whether it may be NaN."""

    name: str
    low: float | None = None
    high: float | None = None
    missing: Literal["allowed", "refused"] = "allowed"


@dataclass(frozen=True)
class Schema:
    """Inputs in the model's order, all float64, and what it answers.

    `classes` are those whose probabilities it says (none: a regression). `outputs` are the numbers it says instead,
    each by a model file of its own: `<target>_mean` or `<target>_q05` (a quantile), the first in model.txt. `label`
    names the question (see `trading.domain.label`), `rule` the trade rule that it is about. `start` are the raw scores
    that the trees of classes correct; None: they say everything themselves.
    """

    columns: tuple[Column, ...]
    classes: tuple[str, ...] = ()
    label: str = BREAK_DIRECTION.name
    rule: str | None = None
    outputs: tuple[str, ...] = ()
    start: WalkStart | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The model files, in the order of the outputs; one for classes."""
        return ("model.txt", *(f"model.{name}.txt" for name in self.outputs[1:]))

    @property
    def asked(self) -> Label:
        """The question that the model answers."""
        return label_named(self.label)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs in the model's order."""
        return tuple(column.name for column in self.columns)

    def check(self, names: Sequence[str]) -> None:
        """Refuse inputs that are not named and ordered as the model was trained.

        Raises
        ------
        Refused
            `schema_mismatch`, naming what is missing, what is unknown, or the first name out of place.
        """
        expected = self.names
        if tuple(names) == expected:
            return
        missing = [name for name in expected if name not in names]
        unknown = [name for name in names if name not in expected]
        if missing or unknown:
            parts = [f"missing {', '.join(missing[:5])}"] if missing else []
            parts += [f"not known to the model: {', '.join(unknown[:5])}"] if unknown else []
            found = "; ".join(parts)
        elif len(names) != len(expected):
            found = "a name is given twice"
        else:
            place = next(i for i, pair in enumerate(zip(names, expected, strict=True)) if pair[0] != pair[1])
            found = f"input {place + 1} is {names[place]}, expected {expected[place]}"
        raise Refused("schema_mismatch", f"The features do not fit the model's {len(expected)} inputs: {found}.")

    def document(self) -> Json:
        """Return the contents of schema.json."""
        columns = [
            {"name": c.name, "dtype": "float64", "low": c.low, "high": c.high, "missing": c.missing}
            for c in self.columns
        ]
        answers: dict[str, Json] = {"classes": list(self.classes), "label": self.label, "rule": self.rule}
        start = None if self.start is None else self.start.document()
        return {"columns": columns, **answers, "outputs": list(self.outputs), "start": start}

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return the schema in the bytes of schema.json, or raise `DamagedVersion`."""
        fields = decode("schema.json", content)
        label = fields.optional_text("label") or BREAK_DIRECTION.name
        columns = tuple(_column(each) for each in fields.objects("columns"))
        outputs = fields.texts("outputs") if "outputs" in fields.document else ()
        schema = cls(columns, fields.texts("classes"), label, fields.optional_text("rule"), outputs)
        if label not in LABELS:
            raise DamagedVersion(
                "schema.json", f"asks {label!r}, which this hub does not know", cure="update the hub, or train again"
            )
        if not schema.columns or len(set(schema.names)) < len(schema.names):
            raise DamagedVersion("schema.json", "has no column, or two of the same name")
        if fields.document.get("start") is None:
            return schema
        part = fields.mapping("start")
        return replace(schema, start=WalkStart.read(part, label, schema.rule, schema.names, len(schema.classes)))


def _column(fields: Fields) -> Column:
    missing, dtype = fields.text("missing"), fields.text("dtype")
    if missing not in _MISSING_RULES or dtype != "float64":
        raise DamagedVersion(
            "schema.json", f"{fields.text('name')}: dtype {dtype!r} or missing rule {missing!r} unknown"
        )
    rule: Literal["allowed", "refused"] = "allowed" if missing == "allowed" else "refused"
    return Column(fields.text("name"), fields.optional_number("low"), fields.optional_number("high"), rule)


@dataclass(frozen=True)
class DayRange:
    """Trading days, first and last included, and the events they hold; `name` says what they were used for."""

    name: str
    first_day: date
    last_day: date
    events: int


@dataclass(frozen=True)
class Metadata:
    """How a version came to be, enough to make it again.

    `data_hash` names the snapshot it learned from, `trials` counts every training and tuning run of the recipe up to
    this one, `command` makes the version again, `limits` says in sentences what it is not good for, `notes` what a
    reader must know (a dropped class), `expires_on` is the last day it may answer. `extra` holds what one recipe adds.
    """

    recipe: str
    instrument: str
    question: str
    parameters: Mapping[str, Json]
    seed: int
    ranges: tuple[DayRange, ...]
    data_hash: str
    code_commit: str
    libraries: Mapping[str, str]
    command: str
    trials: int
    parent: str | None = None
    code_dirty: bool = False
    synthetic: bool = False
    expires_on: date | None = None
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Json] = field(default_factory=dict)

    @property
    def train_command(self) -> str:
        """The command that trains a newer version of the same model on the bars that are stored then."""
        asked = self.extra.get("recipe")
        rule = asked.get("rule") if isinstance(asked, dict) else None
        return f"hub train {self.recipe} --instrument {self.instrument}{f' --rule {rule}' if rule else ''}"

    def expired_sentence(self, version: str) -> str:
        """Return that `version` may answer no more, and what brings one that may."""
        return f"{version} expired: it might answer until {self.expires_on}. Train a new one: {self.train_command}."

    def document(self) -> Json:
        """Return the contents of metadata.json."""
        ranges: list[Json] = [
            {"name": r.name, "first_day": str(r.first_day), "last_day": str(r.last_day), "events": r.events}
            for r in self.ranges
        ]
        plain: dict[str, Json] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        expires_on = None if self.expires_on is None else str(self.expires_on)
        return {**plain, "ranges": ranges, "expires_on": expires_on}

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return the metadata in the bytes of metadata.json, or raise `DamagedVersion`."""
        fields = decode("metadata.json", content)
        return cls(
            recipe=fields.text("recipe"),
            instrument=fields.text("instrument"),
            question=fields.text("question"),
            parameters=fields.mapping("parameters"),
            seed=fields.integer("seed"),
            ranges=tuple(
                DayRange(each.text("name"), each.day("first_day"), each.day("last_day"), each.integer("events"))
                for each in fields.objects("ranges")
            ),
            data_hash=fields.text("data_hash"),
            code_commit=fields.text("code_commit"),
            libraries=fields.mapping("libraries"),
            command=fields.text("command"),
            trials=fields.integer("trials"),
            parent=fields.optional_text("parent"),
            code_dirty=fields.flag("code_dirty"),
            synthetic=fields.flag("synthetic"),
            expires_on=None if fields.optional_text("expires_on") is None else fields.day("expires_on"),
            limits=fields.texts("limits"),
            notes=fields.texts("notes"),
            extra=fields.mapping("extra"),
        )


@dataclass(frozen=True, eq=False)
class Golden:
    """Rows whose predictions must come back bit for bit: `rows` (n, inputs), `predictions` (n, outputs).

    Predictions are what `Booster.predict(rows, num_threads=1)` gave in the training process, before any calibration; a
    one-dimensional answer is one output column. Of a model that starts from the walk they
    are its raw scores. NaN is allowed in rows (written as null), infinity nowhere.
    """

    rows: Matrix
    predictions: Matrix

    def __post_init__(self) -> None:
        predictions = self.predictions.reshape(len(self.predictions), -1).astype(np.float64)
        object.__setattr__(self, "rows", self.rows.astype(np.float64))
        object.__setattr__(self, "predictions", predictions)
        if self.rows.ndim != 2 or not len(self.rows) or len(predictions) != len(self.rows):
            raise RegistryError(f"golden.json: {len(predictions)} predictions for rows of shape {self.rows.shape}.")
        if np.isinf(self.rows).any() or not np.isfinite(predictions).all():
            raise RegistryError("golden.json: a row holds infinity, or a prediction is not a finite number.")

    def differs_from(self, predictions: Matrix) -> int | None:
        """Return the first row whose prediction is not the golden one bit for bit (-0.0 is not 0.0), or None."""
        found = np.ascontiguousarray(predictions, dtype=np.float64).reshape(len(predictions), -1)
        if found.shape != self.predictions.shape:
            return 0
        unequal = (found.view(np.uint64) != self.predictions.view(np.uint64)).any(axis=1)
        return int(unequal.argmax()) if unequal.any() else None

    def document(self) -> Json:
        """Return the contents of golden.json."""
        rows = [[None if cell != cell else cell for cell in row] for row in self.rows.tolist()]
        return {"rows": rows, "predictions": self.predictions.tolist()}

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return the golden rows in the bytes of golden.json, or raise `DamagedVersion`."""
        fields = decode("golden.json", content)
        rows, predictions = (
            np.array([[np.nan if cell is None else cell for cell in row] for row in fields.numbers(key)], dtype=float)
            for key in ("rows", "predictions")
        )
        try:
            return cls(rows, predictions)
        except RegistryError as error:
            raise DamagedVersion("golden.json", str(error)) from error

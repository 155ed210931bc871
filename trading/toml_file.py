"""Reading a TOML file into a frozen model: one way, one wording of what is wrong with it."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from trading.errors import BadSettings

Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path, model: type[Model], kind: str) -> Model:
    """Return what the TOML file at `path` states; `kind` is what such a file describes ("instrument", "recipe").

    Raises
    ------
    BadSettings
        when the file is missing (the message lists those beside it), is not TOML, or has a wrong or unknown key (the
        message names file, key and value).
    """
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml"))) or "none"
        raise BadSettings(f"{path.stem}: no such {kind}; {path} is not there. Known: {known}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: not a readable TOML file: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadSettings(f"{path}: {where}: {first['msg']} (found {first['input']!r}).") from error

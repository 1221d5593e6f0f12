"""Settings as TOML files and as frozen models, one for the other, without loss."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from telucodec.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path) -> dict:
    """Tables of the TOML file `path`. Raises ConfigError where it is missing or malformed."""
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); check its name") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not TOML ({error}); mend that line") from error


def parse(tables: dict, model: type[Model], where: object) -> Model:
    """`tables` as a `model`. Raises ConfigError that names `where` and every setting that does not fit."""
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(f"{where}: {every_fault(error)}; mend these settings") from error


def every_fault(error: ValidationError) -> str:
    """Each setting that does not fit, and why not."""
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())


def first_fault(error: ValidationError) -> str:
    """Where and what the first thing wrong is, in one line."""
    fault = error.errors(include_input=False)[0]
    return f"at {'.'.join(map(str, fault['loc'])) or 'top level'}: {' '.join(fault['msg'].split())}"

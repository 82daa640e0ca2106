"""The user's own signal files: from a path to a checked class, with every mistake told as file and line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from sptrader_stream.errors import SignalError
from sptrader_stream.signals import settings
from sptrader_stream.signals.api import Output, ParameterDeclaration, StatefulSignal, WindowSignal
from sptrader_stream.signals.registry import Parameter, ParameterValue, SignalInfo

UserSignal: TypeAlias = WindowSignal | StatefulSignal

_KINDS: Final = ("int", "float", "bool", "str")
_MOST_CHOICES: Final = 127


class UserFile(NamedTuple):
    """A user's signal, loaded.

    Attributes:
        path: its file, as errors name it.
        line: where its class begins.
        kind: the class.
        info: what strategies may say about it.
    """

    path: Path
    line: int
    kind: type[WindowSignal] | type[StatefulSignal]
    info: SignalInfo

    def error(self, message: str) -> SignalError:
        """An error that points to the class."""
        return SignalError(f"{self.path}:{self.line}: {self.kind.__name__}{message}", str(self.path))

    def make(self, parameters: Mapping[str, ParameterValue]) -> UserSignal:
        """A signal at its start.

        Raises:
            SignalError: its ``start`` or ``__init__`` failed.
        """
        with naming_lines(self.path, self.line):
            return self.kind(**parameters)


@contextmanager
def naming_lines(path: Path, line: int) -> Iterator[None]:
    """Turn whatever the user's code raises into a SignalError with the line of the user's file that is to blame.

    What it prints goes to stderr: stdout is for results, such as the document of ``sptrader run --json``.

    Args:
        path: the user's file.
        line: named if none of the file's lines is on the stack.
    """
    try:
        # Numpy's answers to 1/0 and 0/0 (infinity, NaN) are what a column should hold; its warnings are only noise.
        with np.errstate(divide="ignore", invalid="ignore"), redirect_stdout(sys.stderr):
            yield
    except SignalError:
        raise
    except SyntaxError as error:
        place = error.lineno if error.filename == str(path) else _last_line(error.__traceback__, path)
        raise SignalError(f"{path}:{place or line}: {type(error).__name__}: {error.msg}", str(path)) from None
    except (Exception, SystemExit) as error:
        place = _last_line(error.__traceback__, path) or line
        raise SignalError(f"{path}:{place}: {type(error).__name__}: {error}", str(path)) from error


def _last_line(traceback: TracebackType | None, path: Path) -> int:
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def read_user_file(path: Path) -> UserFile:
    """Run a user's signal file and look at the class in it. The file is read anew each time.

    Raises:
        SignalError: it cannot be read, does not run, has not exactly one signal class, or declares something wrong.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SignalError(f"{path}: cannot be read: {error.strerror}", str(path)) from None
    # Under a name of its own in sys.modules, because dataclasses and pickle look modules up there.
    module = ModuleType(f"sptrader_user_signals.{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    with naming_lines(path, 1):
        exec(compile(text, str(path), "exec"), module.__dict__)
    classes = [each for each in vars(module).values() if _is_signal(each, module.__name__)]
    if not classes:
        raise SignalError(f"{path}:1: there is no class that extends WindowSignal or StatefulSignal", str(path))
    lines = sorted((_line_of(each), each.__name__) for each in set(classes))
    if len(lines) > 1:
        names = " and ".join(name for _, name in lines)
        raise SignalError(f"{path}:{lines[1][0]}: a file holds one signal, this one holds {names}", str(path))
    kind, line = classes[0], lines[0][0]
    with naming_lines(path, line):
        return UserFile(path, line, kind, _describe(kind, path, line))


def _is_signal(value: object, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, WindowSignal | StatefulSignal) and value.__module__ == module


def _line_of(kind: type) -> int:
    """Where a class begins, read from its file: Python 3.11 does not keep it."""
    import ast

    tree = ast.parse(Path(sys.modules[kind.__module__].__file__ or "").read_bytes())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == kind.__name__]
    return found[-1].lineno if found else 1


def _describe(kind: type[Any], path: Path, line: int) -> SignalInfo:
    def error(message: str) -> SignalError:
        return SignalError(f"{path}:{line}: {kind.__name__}{message}", str(path))

    method = "compute" if issubclass(kind, WindowSignal) else "update"
    if getattr(kind, method) in (WindowSignal.compute, StatefulSignal.update):
        raise error(f" has no method {method}")
    if issubclass(kind, WindowSignal) and kind.frame not in ("numpy", "pandas"):
        raise error(f".frame must be 'numpy' or 'pandas', found {kind.frame!r}")
    return SignalInfo(
        name=path.stem,
        summary=(kind.__doc__ or "").strip().split("\n")[0],
        parameters=tuple(_parameters(kind, error)),
        outputs=_outputs(kind.outputs, error),
    )


def _outputs(declared: object, error: Any) -> tuple[Output, ...]:
    if not isinstance(declared, tuple) or not declared or not all(isinstance(each, Output) for each in declared):
        raise error('.outputs must be a tuple of Output, such as (Output("state", choices=("on", "off")),)')
    names = [each.name for each in declared]
    if len(set(names)) < len(names):
        raise error(f".outputs has the name {max(names, key=names.count)!r} more than once")
    for each in declared:
        choices = each.choices
        if not isinstance(choices, tuple) or not all(isinstance(choice, str) for choice in choices):
            raise error(f".outputs: the choices of {each.name} must be a tuple of texts, found {choices!r}")
        if "none" in choices or len(set(choices)) < len(choices) or len(choices) > _MOST_CHOICES:
            raise error(
                f".outputs: the choices of {each.name} must differ, be at most {_MOST_CHOICES}, and leave out 'none', "
                "which is always there"
            )
    return declared


def _parameters(kind: type, error: Any) -> Iterator[Parameter]:
    import inspect

    for name, annotation in inspect.get_annotations(kind).items():
        value = kind.__dict__.get(name)
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        declared = isinstance(value, ParameterDeclaration)
        if name.startswith("_") or name in ("lookback", "frame", "outputs") or (text not in _KINDS and not declared):
            continue
        if text not in _KINDS:
            raise error(f".{name} must be annotated as int, float, bool or str to be a parameter, not {text}")
        spec = value if isinstance(value, ParameterDeclaration) else ParameterDeclaration(value, None, None, (), "")
        found = Parameter(
            name=name,
            kind="choice" if spec.choices else text,  # type: ignore[arg-type]
            default=spec.default,
            minimum=spec.minimum,
            maximum=spec.maximum,
            choices=spec.choices,
            description=spec.description,
        )
        if spec.default is not None and (message := settings.objection(found, spec.default)):
            raise error(f": the default of {message}")
        yield found

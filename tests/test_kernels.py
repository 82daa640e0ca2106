"""Kernels: compiled once, loaded without numba, and never fed what they were not made for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sptrader_stream import kernels
from sptrader_stream.columns import Ints
from sptrader_stream.kernels import KernelArgumentError, kernel
from sptrader_stream.store.equity import keep_changes

ROOT = Path(__file__).parents[1]

# Two modules with kernels of one name and signature, each with a device function of the same name.
ONE = """
from __future__ import annotations

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.kernels import device, kernel

FACTOR = 3

@device
def inner(value: int) -> int:
    return value * FACTOR

@kernel
def work(values: Ints, start: int) -> int:
    total = start
    for index in range(len(values)):
        total += inner(values[index])
    return total

@kernel
def mean(values: Floats, weight: float, out: Floats) -> int:
    total = 0.0
    for index in range(len(values)):
        total += values[index] * weight
    out[0] = total / len(values)
    return len(values)
"""
OTHER = ONE.replace("value * FACTOR", "value - FACTOR")
PROGRAM = """
import sys
import numpy as np
import one, other
values, out = np.arange(10), np.zeros(1)
count = one.mean(np.array([1.0, 2.0, 6.0]), 0.5, out)
print(one.work(values, 100), other.work(values, 100), count, out[0], "numba" in sys.modules)
"""
EXPECTED = f"{100 + 3 * 45} {100 + 45 - 30} 3 1.5"


def run(folder: Path, cache: Path, program: str = PROGRAM, **sources: str) -> tuple[str, str]:
    """Write modules, run a program over them in a process of its own; answers what it prints and its complaints."""
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "SPTRADER_CACHE_DIR": str(cache),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with modules whose kernels were compiled by one process."""
    folder = tmp_path_factory.mktemp("kernels")
    out, _ = run(folder, folder / "cache", one=ONE, other=OTHER)
    assert out == f"{EXPECTED} True"
    return folder


def objects(folder: Path) -> set[str]:
    return {each.name for each in (folder / "cache" / "kernels").iterdir()}


def test_kernels_of_one_name_and_signature_do_not_mix(compiled: Path) -> None:
    assert {each.split("-")[0] for each in objects(compiled)} == {"one.work", "one.mean", "other.work"}


def test_a_second_process_needs_no_numba_and_compiles_nothing(compiled: Path) -> None:
    before = objects(compiled)
    out, complaints = run(compiled, compiled / "cache")
    assert (out, complaints) == (f"{EXPECTED} False", "")
    assert objects(compiled) == before


KEY = "import one; print(one.work.fingerprint('machine'))"


@pytest.fixture(scope="module")
def key(compiled: Path) -> str:
    return run(compiled, compiled / "cache", KEY)[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = start", "total = -start"),
        ("value * FACTOR", "value + FACTOR"),
        ("FACTOR = 3", "FACTOR = 4"),
        ("values: Ints, start: int", "values: Floats, start: int"),
    ],
    ids=["its own code", "a device function's code", "a constant", "a type"],
)
def test_what_changes_the_machine_code_changes_its_key(tmp_path: Path, key: str, old: str, new: str) -> None:
    assert old in ONE
    changed, _ = run(tmp_path, tmp_path, KEY, one=ONE.replace(old, new))
    assert changed != key


def test_the_same_code_has_the_same_key(tmp_path: Path, key: str) -> None:
    assert run(tmp_path, tmp_path, KEY, one=ONE)[0] == key


def test_a_cache_that_cannot_be_written_only_costs_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    out, complaints = run(tmp_path, tmp_path / "cache", one=ONE, other=OTHER)
    assert out == f"{EXPECTED} True"
    assert "cannot keep compiled kernels" in complaints
    assert "Traceback" not in complaints


INTS: Any = np.arange(4)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((INTS.astype(np.float64), INTS, INTS, INTS), "time"),
        ((INTS, INTS.astype(np.int32), INTS, INTS), "equity"),
        ((INTS, np.arange(8)[::2], INTS, INTS), "equity"),
        ((INTS, INTS, INTS.astype(np.uint64), INTS), "state"),
        ((INTS, INTS, INTS, np.zeros(8, np.bool_)), "out"),
    ],
)
def test_a_column_of_another_kind_is_refused_by_name(arguments: tuple[Any, ...], name: str) -> None:
    with pytest.raises(KernelArgumentError, match=rf"keep_changes: {name} must be contiguous Ints, found ndarray"):
        keep_changes(*arguments)


def test_a_fitting_call_works_on_views() -> None:
    state, out = np.array([-1]), np.zeros(20, np.int64)
    read_only = np.frombuffer(np.arange(10).tobytes(), np.int64)
    assert keep_changes(read_only[2:6], np.array([5, 5, 6, 6]), state, out) == 4
    assert out[:4].tolist() == [2, 5, 4, 6]
    assert state[0] == 6


@kernel
def first_of_two(values: Ints) -> int:
    return int(values[0])


def test_two_threads_that_call_a_new_kernel_at_once_make_it_ready_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPTRADER_CACHE_DIR", str(tmp_path))
    compile_it = kernels._Loader._compile
    compiled: list[str] = []

    def counting(loader: kernels._Loader, wanted: kernels._Kernel, symbol: str) -> bytes:
        compiled.append(symbol)
        return compile_it(loader, wanted, symbol)

    monkeypatch.setattr(kernels._Loader, "_compile", counting)
    both = threading.Barrier(2)
    answers: list[int] = []

    def call() -> None:
        both.wait()
        answers.append(first_of_two(np.array([7, 8], np.int64)))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers == [7, 7]
    assert len(compiled) == 1

"""Compiled kernels without numba at run time.

A kernel is an ordinary Python function over numpy columns and numbers, compiled by numba ahead of its first use.
The machine code is kept in a cache folder; a process that finds it there loads it through llvmlite alone, which
takes milliseconds, where importing numba takes a second. ``python -m sptrader_stream.precompile`` compiles all kernels
of the package at once.

The rules for a kernel's body: parameters are annotated with the names of ``columns`` or with ``int`` and ``float``,
the result is an ``int``, nothing is allocated and nothing is raised (a kernel reports by its result or into a
column), and an index is never negative. Functions that a kernel calls are marked with :func:`device`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., object])

# What a kernel answers when argument k is not a contiguous column of the declared type: BAD_ARGUMENT + k.
BAD_ARGUMENT = -(2**63)

_MATH = ("sqrt", "floor", "ceil", "rint", "fabs", "log", "exp", "pow", "fmod", "nearbyint", "trunc", "round")


# Changes with whatever makes machine code of the same Python differ.
_FORMAT = 5
_SCALAR_TYPES = {"int": ctypes.c_int64, "float": ctypes.c_double}

_kernels: list[_Kernel] = []


class Loading:
    """How long the process has spent on getting kernels ready, so that a run's speed can be told without it.

    Attributes:
        seconds: the sum so far.
    """

    seconds = 0.0


LOADING = Loading()

# A source is read in a thread, and LLVM's engine is for one thread at a time.
_binding = threading.RLock()


class KernelArgumentError(TypeError):
    """A kernel was called with an array of another dtype, or with one that is not contiguous."""


def device(function: F) -> F:
    """Mark a function that kernels call; it stays an ordinary function for everybody else."""
    function.__device__ = True  # type: ignore[attr-defined]
    return function


def kernel(function: Callable[P, int]) -> Callable[P, int]:
    """Compile ``function`` on first use and call the machine code from then on.

    The call releases the interpreter lock. Array arguments are checked for dtype and contiguity inside the machine
    code; :class:`KernelArgumentError` names the one that does not fit.
    """
    compiled = _Kernel(cast(FunctionType, function))
    _kernels.append(compiled)
    return cast(Callable[P, int], compiled)


class _Kernel:
    """A callable that binds its machine code when it is first called."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function
        self.name = f"{function.__module__}.{function.__name__}"
        self.parameters = {k: str(v) for k, v in function.__annotations__.items() if k != "return"}
        self._call: Callable[..., int] = self._bind_and_call
        self._is_bound = False
        self._key: str | None = None

    def __call__(self, *arguments: Any) -> int:
        result = self._call(*arguments)
        if result < BAD_ARGUMENT + 64:
            self._refuse(result - BAD_ARGUMENT, arguments)
        return result

    def _bind_and_call(self, *arguments: Any) -> int:
        self.bind()
        return self._call(*arguments)

    def bind_ready(self) -> None:
        """Load the machine code if that takes no compilation and was not done."""
        if not self._is_bound and _loader().path(self).exists():
            self.bind()

    def bind(self) -> None:
        """Load the machine code, compiling it first where the cache does not hold it."""
        with _binding:
            if self._is_bound:
                return
            before = time.perf_counter()
            argument_types: list[Any] = [_SCALAR_TYPES.get(name, ctypes.py_object) for name in self.parameters.values()]
            prototype = ctypes.CFUNCTYPE(ctypes.c_int64, *argument_types)
            self._call = prototype(_loader().address(self))
            self._is_bound = True
            LOADING.seconds += time.perf_counter() - before

    def _refuse(self, index: int, arguments: tuple[Any, ...]) -> None:
        name, wanted = list(self.parameters.items())[index]
        found = arguments[index]
        shown = f"{type(found).__name__} {getattr(found, 'dtype', '')} {getattr(found, 'shape', '')}"
        raise KernelArgumentError(f"{self.name}: {name} must be contiguous {wanted}, found {shown}")

    def fingerprint(self, target: str) -> str:
        """Name the machine code by everything it is made from."""
        if self._key is not None:
            return self._key
        digest = hashlib.sha256(f"{target}|{sys.version_info[:2]}|{self.name}|{self.parameters}|{_FORMAT}".encode())
        _hash_code(self.function, digest.update, set())
        self._key = digest.hexdigest()[:32]
        return self._key


def _hash_code(function: FunctionType, update: Callable[[bytes], object], seen: set[str]) -> None:
    """Feed a function's code, the constants and the device functions that it refers to."""
    code: CodeType = function.__code__
    if code.co_qualname + code.co_filename in seen:
        return
    seen.add(code.co_qualname + code.co_filename)
    update(repr((code.co_code, code.co_consts, code.co_names, code.co_varnames)).encode())
    for name in code.co_names:
        value = function.__globals__.get(name)
        if getattr(value, "__device__", False):
            _hash_code(cast(FunctionType, value), update, seen)
        elif isinstance(value, int | float | tuple):
            update(f"{name}={value!r}".encode())


def cache_folder() -> Path:
    """Where machine code is kept: ``SPTRADER_CACHE_DIR``, else the user's cache folder."""
    chosen = os.environ.get("SPTRADER_CACHE_DIR")
    base = (
        Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sptrader-stream"
    )
    return base / "kernels"


class _Loader:
    """The process's one LLVM engine: turns cached object code into callable addresses."""

    def __init__(self) -> None:
        import llvmlite.binding as llvm

        self.llvm: Any = llvm
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
        self.target = f"{llvm.llvm_version_info}|{cpu}|{features}"
        # Objects land anywhere in the address space, far from libm: only the large code model reaches it.
        self.machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=cpu, features=features, opt=3, reloc="static", codemodel="large", jit=True
        )
        self._bind_symbols()
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self.machine)

    def _bind_symbols(self) -> None:
        library = ctypes.CDLL(ctypes.util.find_library("m") if sys.platform != "linux" else "libm.so.6")
        for name in _MATH:
            self.llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)

    def path(self, wanted: _Kernel) -> Path:
        return cache_folder() / f"{wanted.name}-{wanted.fingerprint(self.target)}.o"

    def address(self, wanted: _Kernel) -> int:
        symbol = f"sptrader_{wanted.function.__name__}_{wanted.fingerprint(self.target)}"
        stored = self._cached(self.path(wanted), lambda: self._compile(wanted, symbol))
        self.engine.add_object_file(self.llvm.ObjectFileRef.from_data(stored))
        self.engine.finalize_object()
        return int(self.engine.get_function_address(symbol))

    @staticmethod
    def _cached(path: Path, compile_it: Callable[[], bytes]) -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            compiled = compile_it()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(compiled)
            temporary.replace(path)
        except OSError as error:
            # A read-only home costs the next process a compilation, nothing else.
            print(f"sptrader: cannot keep compiled kernels in {path.parent}: {error.strerror}", file=sys.stderr)
        return compiled

    def _compile(self, wanted: _Kernel, symbol: str) -> bytes:
        from sptrader_stream._compile import llvm_text

        if sys.stderr.isatty():
            print(f"sptrader: compiling {wanted.name} (once)", file=sys.stderr)
        module = self.llvm.parse_assembly(llvm_text(wanted.function, wanted.parameters, symbol, BAD_ARGUMENT))
        module.verify()
        # With everything but the entry internal, another pass joins the device functions into it.
        builder = self.llvm.create_pass_builder(self.machine, self.llvm.create_pipeline_tuning_options(speed_level=3))
        builder.getModulePassManager().run(module, builder)
        return bytes(self.machine.emit_object(module))


@cache
def _loader() -> _Loader:
    return _Loader()


def load_ready() -> None:
    """Bind every kernel known so far whose machine code is in the cache; the others are compiled when first called."""
    with _binding:
        for each in _kernels:
            each.bind_ready()


def compile_all(module: ModuleType) -> int:
    """Import every module below the package ``module`` and bind every kernel found; answers their number."""
    import importlib
    import pkgutil

    for found in pkgutil.walk_packages(module.__path__, module.__name__ + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for each in _kernels:
        each.bind()
    return len(_kernels)

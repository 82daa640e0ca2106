"""Decoders are made by one thread at a time, because msgspec crashes otherwise, and by nobody else."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import actors
import sptrader_stream
from sptrader_stream import decoding

# Each type is decoded for the first time by three threads at once; with msgspec alone this ends in a crash at once.
FIRST_TIMES = """
import sys, threading
import msgspec
from sptrader_stream.decoding import json_decoder

sys.setswitchinterval(1e-6)
for number in range(300):
    inner = msgspec.defstruct(f"Inner{number}", [(f"a{k}", int | None, None) for k in range(30)])
    fields = [(f"f{k}", inner | None, None) for k in range(5)] + [(f"g{k}", list[float], []) for k in range(30)]
    outer = msgspec.defstruct(f"Outer{number}", fields)
    text = b'{' + b','.join(b'"f%d":{"a1":%d}' % (k, k) for k in range(5)) + b'}'
    barrier, found = threading.Barrier(3), []

    def decode():
        barrier.wait()
        found.append([getattr(json_decoder(outer).decode(text), f"f{k}").a1 for k in range(5)])

    threads = [threading.Thread(target=decode) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [[0, 1, 2, 3, 4]] * 3, found
"""
MAKE = ("msgspec.json.Decoder", "msgspec.msgpack.Decoder", "msgspec.convert")
DECODE = ("msgspec.json.decode", "msgspec.msgpack.decode")
FILES = sorted(
    path
    for package in (sptrader_stream, actors)
    for path in Path(str(package.__file__)).parent.rglob("*.py")
    if path != Path(decoding.__file__)
)


def test_types_that_threads_decode_at_once_for_the_first_time() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_TIMES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nobody_else_makes_decoders() -> None:
    assert [found for path in FILES for found in makers(path)] == []


def makers(path: Path) -> Iterator[str]:
    """Where a file decodes by a type without our decoders, or makes some."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            has_type = any(each.arg == "type" for each in node.keywords)
            if called in MAKE or (called in DECODE and has_type):
                yield f"{path}, line {node.lineno}: {called}"

"""``python -m sptrader_stream.precompile``: compile every kernel of the package into the cache, ahead of first use."""

from __future__ import annotations

import sptrader_stream
from sptrader_stream import kernels

if __name__ == "__main__":
    print(f"sptrader: {kernels.compile_all(sptrader_stream)} kernels are ready in {kernels.cache_folder()}")

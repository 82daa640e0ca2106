"""``python -m sptrader_stream.cli``: the command line where the script ``sptrader`` is not installed."""

from __future__ import annotations

from sptrader_stream.cli import main

if __name__ == "__main__":
    main()

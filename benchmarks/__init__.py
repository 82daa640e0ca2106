"""Speed: this pipeline beside other engines, and its parts one by one. ``python -m benchmarks`` measures all."""

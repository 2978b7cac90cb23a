"""The same job, in one run, side by side with its peers. `python -m benchmarks`; see README.md."""

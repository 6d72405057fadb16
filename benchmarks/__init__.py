"""The figures that the project reports: ``python -m benchmarks`` prints them all.

A benchmark is a module here with a docstring, ``LABELS`` (figure -> what it is, with its unit) and
``run() -> dict`` of those figures; None stands for what this machine could not measure. One
with rows to fill takes ``--rows`` as an argument of ``run``.
"""

Figures = dict[str, float | str | None]

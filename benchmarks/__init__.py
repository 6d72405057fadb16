"""The figures that the project reports: ``python -m benchmarks`` prints them all.

A benchmark is a module here with a docstring, ``LABELS`` (figure -> what it is, with its unit) and
``run() -> dict`` of those figures; None stands for what this machine could not measure. An
option of the command line that is meant for one of them is an argument of its ``run``.
"""

Figures = dict[str, float | str | None]

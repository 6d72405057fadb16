"""The project's benchmarks: ``python -m benchmarks`` prints all figures.

A benchmark is a module here with a docstring, ``LABELS`` (figure -> its meaning, with its unit) and
``run() -> dict`` of those figures; None means that this machine cannot measure it. A command-line
option for one of them is an argument of its ``run``.
"""

from typing import Any

# A figure may be a table of figures, such as those of each model family.
Figures = dict[str, Any]

"""Run benchmarks by name, or all of them: ``python -m benchmarks [NAME ...] [--json]``."""

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import benchmarks
from benchmarks import Figures

# The arguments for `run`, and the benchmarks they belong to.
OPTIONS = {
    "rows": ["history"],
    "interactions": ["storm"],
    "seed": ["storm", "storms"],
    "minutes": ["storms"],
}


def main() -> None:
    """Print a table for each benchmark and, with ``--json``, the figures as the last line."""
    names = sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_"
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(names)}; all of them if none")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--rows", type=int, help="of the history benchmark; 1,000,000 if none")
    parser.add_argument("--interactions", type=int, help="of the storm benchmark; 10,000 if none")
    parser.add_argument("--seed", type=int, help="of the storm and storms benchmarks; 1 if none")
    parser.add_argument("--minutes", type=float, help="of the storms benchmark; 20 if none")
    chosen = parser.parse_args()
    if unknown := set(chosen.name) - set(names):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    given = {name: value for name in OPTIONS if (value := getattr(chosen, name)) is not None}
    for name in given:
        if len(chosen.name) != 1 or chosen.name[0] not in OPTIONS[name]:
            parser.error(f"--{name} is for {' and '.join(OPTIONS[name])}, by itself")
    measured: dict[str, Figures] = {}
    for name in chosen.name or names:
        module = importlib.import_module(f"benchmarks.{name}")
        measured[name] = module.run(**given)
        print_table(name, module, measured[name])
    if chosen.json:
        # For a single benchmark its figures; for several, figures by benchmark.
        print(json.dumps(measured[chosen.name[0]] if len(chosen.name) == 1 else measured))


def print_table(name: str, module: ModuleType, figures: Figures) -> None:
    """Print the benchmark's one-line description and a line for each figure."""
    print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}")
    lines = list(_lines(module.LABELS, figures))
    width = max(len(label) for label, _ in lines)
    for label, value in lines:
        print(f"  {label:<{width}}  {_shown(value)}")
    sys.stdout.flush()


def _lines(labels: Mapping[str, str], figures: Figures) -> Iterator[tuple[str, Any]]:
    """Yield each figure with its label; those of a table after their row's name."""
    for figure, value in figures.items():
        label = labels.get(figure, figure)
        if not isinstance(value, dict):
            yield label, value
            continue
        for inner, found in _lines(labels, value):
            yield f"{label}: {inner}" if label else inner, found


def _shown(value: float | str | None) -> str:
    if value is None:
        return "not measured"
    return value if isinstance(value, str) else f"{value:g}"


if __name__ == "__main__":
    main()

"""Deterministic forwards of a compiled model: others' LoRAs keep nobody from its kernels."""

from collections.abc import Sequence
from types import SimpleNamespace

import torch

from generation.conditions.adapters.adapter_file import LoadedAdapter
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.row_adapters import NO_ADAPTERS, AdapterSet
from generation.engine.batcher import Bucket
from generation.engine.forward import Forward
from generation.families.pipeline import Row
from generation.options import DETERMINISTIC_ROWS

SOME = AdapterSet(Part.DENOISER, ((LoadedAdapter({Part.DENOISER: {}}, ()), 1.0),))


class Compiled:
    """A pipeline that notes what it runs together; a row's output is its number."""

    negatives_first = True

    def __init__(self, row_counts: tuple[int, ...]) -> None:
        self._row_counts = row_counts
        self.forwards: list[list[bool]] = []

    def row_counts(self, _row: Row) -> tuple[int, ...]:
        return self._row_counts

    def run(self, rows: Sequence[Row], *, fixed: bool) -> list[torch.Tensor]:
        assert fixed
        self.forwards.append([bool(row.adapters) for row in rows])
        return [row.latents for row in rows]

    def guide(self, towards: torch.Tensor, away: torch.Tensor, _: object) -> torch.Tensor:
        return towards + away / 100


def samples() -> list[SimpleNamespace]:
    """Three pictures, the second with a LoRA; each output is to be its number and a hundredth."""
    made = []
    for number, adapters in enumerate((NO_ADAPTERS, SOME, NO_ADAPTERS), start=1):
        row = Row(torch.tensor([float(number)]), torch.tensor(0.0), {}, adapters=adapters)
        bucket = Bucket("Tiny", (1,))
        made.append(
            SimpleNamespace(
                guided=True, request=None, bucket=bucket, next_rows=lambda row=row: (row, row)
            )
        )
    return made


def draw(pipeline: Compiled) -> list[float]:
    forward = Forward(lambda: False, (DETERMINISTIC_ROWS,))
    return [round(float(output), 2) for output in forward.predict(pipeline, samples())]


def test_rows_with_and_without_adapters_run_apart_where_some_would_be_compiled():
    compiled, eager = Compiled((1, 2, 4, 8)), Compiled(())
    assert draw(compiled) == draw(eager) == [1.01, 2.02, 3.03]
    assert [set(one) for one in compiled.forwards] == [{True}, {False}]
    assert [len(one) for one in compiled.forwards] == [DETERMINISTIC_ROWS] * 2
    assert len(eager.forwards) == 1

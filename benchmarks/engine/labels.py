"""The meaning of each figure of the engine's benchmark, with its unit. Imports no torch."""

from benchmarks.engine import simulation

PEOPLE = (1, 2, 4, 8)
ROWS = (1, 2, 4, 8, 12, 16, 24, 32)
COMPILED = "compiled_"  # prefix of figures with torch.compile on both sides
ON_EMBEDDED = "embedded_"  # prefix of figures with the embedded checkpoint

_RATIOS = {
    f"{figure}_ratio_{people}": f"people at once: {people}, {label} (ratio to one at a time)"
    for people in PEOPLE
    for figure, label in (
        ("throughput", "throughput"),
        ("mean_latency", "mean latency"),
        ("first_step", "mean time to the first step"),
    )
}
_OVERHEAD = {
    "overhead_1row_pct": "overhead of a tick at 1 row (% of the bare forward)",
    "schedulers_1row_pct": "of which scheduler.step, which pipe() takes, too (%)",
    "in_turn_1row_pct": "the whole tick over a bare forward in its turn, 1 row (%)",
    "overhead_16rows_pct": "overhead of a tick at 16 rows (% of the bare forward)",
    "schedulers_16rows_pct": "of which eight pictures' scheduler.step (%)",
    "in_turn_16rows_pct": "the whole tick over a bare forward in its turn, 16 rows (%)",
    "overhead_sd15_pct": "overhead of a tick at SD 1.5's size, 1 row (% of the bare forward)",
    "in_turn_sd15_pct": "the whole tick over a bare forward in its turn, SD 1.5's size (%)",
    "preview_sd15_pct": "a preview's share of the time at SD 1.5's size, 64 × 64 latents (%)",
}
_SPEEDS = {
    f"{mode}_{figure}_{rows}": f"{mode}, {rows} rows a forward, {label}"
    for mode in ("eager", "compiled")
    for rows in ROWS
    for figure, label in (("tflops", "TFLOP/s"), ("matmul_pct", "share of the matmul rate (%)"))
}
_KNEES = {
    f"{mode}_{figure}": f"{mode}, {label}"
    for mode in ("eager", "compiled")
    for figure, label in (
        ("knee_rows", "rows a forward from which on more hardly pay"),
        ("knee_matmul_pct", "share of the matmul rate there (%)"),
    )
}
_DEVICE = {
    "matmul_tflops": "the device's matmul rate in fp16, measured (TFLOP/s)",
    "parity_alone_differing_pct": "alone against diffusers, values that differ (%)",
    "parity_alone_largest": "alone against diffusers, largest difference (levels of 255)",
    "parity_mixed_differing_pct": "in company against alone, values that differ (%)",
    "parity_mixed_largest": "in company against alone, largest difference (levels of 255)",
}
LABELS = {
    "knee_rows": "rows a forward from which on more hardly pay",
    **_RATIOS,
    "cancel_ticks": "ticks until a cancelled request has ended, among strangers",
    **{ON_EMBEDDED + figure: f"embedded checkpoint, {label}" for figure, label in _RATIOS.items()},
    **_OVERHEAD,
    **simulation.LABELS,
    **_DEVICE,
    **_SPEEDS,
    **_KNEES,
    **{COMPILED + figure: f"compiled, {label}" for figure, label in _RATIOS.items()},
}

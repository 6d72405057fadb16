"""Editing: what stays of a picture, seams of a chain of zooms, and what steering costs.

Pictures are drawn with the built-in checkpoint at its own size. Each figure is a module here with a
``measure()``.
"""

from benchmarks import Figures
from generation.worker.worker import calm_threads

LABELS = {
    "kept_pixels_differing": "Values that differ where a picture is kept, of all masks",
    "seam_levels_after_10_zooms": "The strongest seam of ten zooms, over its surroundings (levels)",
    "seam_levels_of_the_built_in": "The same, drawn by the built-in checkpoint itself (levels)",
    "control_overhead_pct": "A row with a ControlNet, over a plain one (%)",
    "panel_redraw_ms": "The panel to pick a region in, drawn again (ms)",
}


def run() -> Figures:
    """Measure in this process, on CUDA if available."""
    calm_threads()
    from benchmarks.edit import control, kept, panel, seams

    return {
        "kept_pixels_differing": kept.measure(),
        "seam_levels_after_10_zooms": seams.measure(),
        "seam_levels_of_the_built_in": seams.measure_model(),
        "control_overhead_pct": control.measure(),
        "panel_redraw_ms": panel.measure(),
    }

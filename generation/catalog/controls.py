"""ControlNets and IP-Adapters as the catalog has them. Imports no torch."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from generation.controls import PREPROCESSORS
from generation.errors import AdapterUnavailable
from generation.loading.key_rules import TITLES
from generation.phrases import Phrase

NEAR = 3  # names in a line about an unknown one


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlModel:
    """A ControlNet: its file, the family it was made for, and what it ``controls``, if known.

    ``config`` is the file that says how it is built, if there is one. A net for several purposes,
    of which it has ``modes``, is in the catalog once for each: as its ``mode``.
    """

    name: str
    path: Path
    family: str
    controls: str = ""
    config: Path | None = None
    mode: int | None = None
    modes: int = 0

    @property
    def preprocess(self) -> str:
        """What makes a control picture of any picture; "" where only its person can."""
        return self.controls if self.controls in PREPROCESSORS else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceModel:
    """An IP-Adapter: its file, the family it was made for, and the encoder that sees pictures.

    ``config`` is the file that says how the encoder is built, if there is one.
    """

    name: str
    path: Path
    family: str
    encoder: Path
    config: Path | None = None


# What people call what a net reads, first by what names of files contain. What is drawn with a
# pencil of one kind or another comes behind what is more particular.
_CALLED = {
    "canny": ("canny",),
    "depth": ("depth", "midas", "zoe", "leres"),
    "pose": ("openpose", "pose", "dwpose"),
    "lineart": ("lineart", "line art", "line"),
    "scribble": ("scribble", "sketch", "fake scribble"),
    "softedge": ("softedge", "soft edge", "hed", "pidi"),
    "normal": ("normal", "normalbae", "bae"),
    "segmentation": ("seg", "segmentation", "segment"),
    "mlsd": ("mlsd", "hough"),
    "tile": ("tile",),
    "inpaint": ("inpaint", "inpainting", "repaint"),
    "shuffle": ("shuffle",),
    "ip2p": ("ip2p", "pix2pix"),
    "qr": ("qr", "qrcode", "monster", "brightness"),
    "colour": ("recolor", "color", "colour"),
    "blur": ("blur",),
}
# What a union net takes, by its places, as its authors list it:
# https://huggingface.co/xinsir/controlnet-union-sdxl-1.0; the last two are of its ProMax.
UNION_MODES = (
    "pose",
    "depth",
    "scribble",
    "canny",
    "normal",
    "segmentation",
    "tile",
    "inpaint",
)


def what_controls(name: str) -> str:
    """Return what a net of this file's name reads, one word; "" if the name does not say."""
    words = " ".join(re.findall(r"[a-z]+(?:2[a-z]+)?", name.lower()))
    for known, called in _CALLED.items():
        if any(f" {one} " in f" {words} " for one in called):
            return known
    # Names whose words run together, such as "diffusers_xl_depth_full" do not; "openposeXL2" do.
    joined = words.replace(" ", "")
    found = (known for known, called in _CALLED.items() if any(one in joined for one in called[:1]))
    return next(found, "")


Steers = TypeVar("Steers", ControlModel, ReferenceModel)


def find_model(name: str, models: Mapping[str, Steers], family: str) -> Steers:
    """Return the model of this name, or the family's that reads what is named so, in any case.

    Raises AdapterUnavailable, naming the most similar ones, or for which family it was made.
    """
    found = models.get(name) or _called(name, models.values(), family)
    if found is None:
        fitting = [one.name for one in models.values() if one.family == family]
        raise AdapterUnavailable(name, _instead(name, fitting, family))
    if found.family != family:
        made, wanted = TITLES.get(found.family, found.family), TITLES.get(family, family)
        refused = Phrase("adapter-other-family", file=found.name, made=made, wanted=wanted)
        raise AdapterUnavailable(name, refused)
    return found


def for_family(models: Mapping[str, Steers], family: str) -> list[str]:
    """Return the names of all models, those of a family first."""
    return sorted(models, key=lambda name: models[name].family != family)


def _called(name: str, models: Iterable[Steers], family: str) -> Steers | None:
    """Return what is called so, reads what is called so, or alone begins so; its family first."""
    folded = name.casefold().strip()
    order = sorted(models, key=lambda one: one.family != family)
    named: list[Steers] = [one for one in order if one.name.casefold() == folded]
    named += [one for one in order if folded and folded in _reads(one)]
    if not named:
        named = [one for one in order if one.name.casefold().startswith(folded)]
        named = named if len(named) == 1 else []
    return next(iter(named), None)


def _reads(model: ControlModel | ReferenceModel) -> tuple[str, ...]:
    """Return what people call what a control net reads."""
    if not isinstance(model, ControlModel) or not model.controls:
        return ()
    return (model.controls, *_CALLED.get(model.controls, ()))


def _instead(name: str, names: list[str], family: str) -> Phrase:
    if not names:
        return Phrase("control-none", wanted=TITLES.get(family, family))
    by_fold = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(name.casefold(), by_fold, NEAR, cutoff=0.3)
    shown = tuple(by_fold[one] for one in near) or tuple(names[:NEAR])
    return Phrase("control-not-listed", names=shown)

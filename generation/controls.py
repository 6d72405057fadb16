"""Pictures that steer others: controls (ControlNet) and references (IP-Adapter). Imports no torch.

A control says where things are, a reference what they look like. Each has a model of the catalog
by its name, a weight, and a picture that is brought along when the request runs.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from generation.errors import InvalidRequest, bounded
from generation.phrases import Phrase

MOST_CONTROLS = 3  # of a request; each has a net of its own, half as large as the denoiser
MOST_REFERENCES = 4
MODEL_NAME_LENGTH = 200  # characters
CONTROL_WEIGHT = (0.0, 2.0)
REFERENCE_WEIGHT = (0.0, 2.0)
# What can be made of any picture without a model; the others take a control picture as it is.
PREPROCESSORS = ("canny", "scribble", "tile", "inpaint")


class ReferenceKind(StrEnum):
    """What is taken over of a picture."""

    SUBJECT = "subject"
    STYLE = "style"


KINDS = tuple(one.value for one in ReferenceKind)
# What a row takes more for each of them, in rows: a ControlNet is the UNet's encoder, and a
# reference one more attention to few tokens in each block.
CONTROL_COST = 0.5
REFERENCE_COST = 0.05


class Control(NamedTuple):
    """A ControlNet by its name, from one share of the steps to another, 0 to 1.

    ``preprocess`` is what makes a control picture of the one that is brought, one of PREPROCESSORS;
    "" where it is one.
    """

    name: str
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocess: str = ""


class Reference(NamedTuple):
    """An IP-Adapter by its name; ``kind`` is what is taken over of the picture, one of KINDS."""

    name: str
    weight: float = 1.0
    kind: str = "subject"


def check_controls(controls: Sequence[Control], images: Sequence[bytes], most_bytes: int) -> None:
    """Raise InvalidRequest, naming the field and its bound, unless a request may have these."""
    if len(controls) > MOST_CONTROLS:
        raise InvalidRequest("control", Phrase("bound-controls", most=MOST_CONTROLS))
    for one in controls:
        _check_name("control", one.name)
        bounded("control_weight", one.weight, CONTROL_WEIGHT)
        bounded("control_start", one.start, (0.0, 1.0))
        bounded("control_end", one.end, (0.0, 1.0))
        if one.start >= one.end:
            raise InvalidRequest("control_end", Phrase("bound-control-end", start=f"{one.start:g}"))
        if one.preprocess and one.preprocess not in PREPROCESSORS:
            raise InvalidRequest("control_preprocess", Phrase("bound-one-of", names=PREPROCESSORS))
    _check_images("control_image", len(controls), images, most_bytes)


def check_references(
    references: Sequence[Reference], images: Sequence[bytes], most_bytes: int
) -> None:
    """Raise InvalidRequest, naming the field and its bound, unless a request may have these."""
    if len(references) > MOST_REFERENCES:
        raise InvalidRequest("reference", Phrase("bound-references", most=MOST_REFERENCES))
    for one in references:
        _check_name("reference", one.name)
        bounded("reference_weight", one.weight, REFERENCE_WEIGHT)
        if one.kind not in KINDS:
            raise InvalidRequest("reference_kind", Phrase("bound-one-of", names=KINDS))
    _check_images("reference_image", len(references), images, most_bytes)


def rows_more(controls: Sequence[Control], references: Sequence[Reference], steps: int) -> float:
    """Return what a row takes more with these, as a share of it, over all ``steps``."""
    # A control is at work in the steps that lie wholly within its share, as in diffusers.
    working = sum(
        max(0, math.floor(one.end * steps) - math.ceil(one.start * steps)) for one in controls
    )
    return CONTROL_COST * working / steps + REFERENCE_COST * len(references)


def _check_name(field: str, name: str) -> None:
    if not name.strip() or len(name) > MODEL_NAME_LENGTH:
        raise InvalidRequest(field, Phrase("bound-characters", least=1, most=MODEL_NAME_LENGTH))


def _check_images(field: str, count: int, images: Sequence[bytes], most_bytes: int) -> None:
    """The pictures are brought when the request runs: all of them or none."""
    if images and len(images) != count:
        raise InvalidRequest(field, Phrase("bound-pictures", count=count))
    if any(len(image) > most_bytes for image in images):
        raise InvalidRequest(field, Phrase("bound-file", most=most_bytes // 2**20))

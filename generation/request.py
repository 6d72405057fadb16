"""Requests for pictures, and the events they produce."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from generation.architectures import ARCHITECTURES, DISTILLED, SD1, Architecture
from generation.architectures import Sampler as Sampler
from generation.controls import Control, Reference, check_controls, check_references, rows_more
from generation.errors import GenerationError, InvalidRequest
from generation.errors import bounded as bounded
from generation.hires import Hires
from generation.phrases import Phrase
from generation.prompts.adapters import AdapterUse, check_adapters
from generation.prompts.schedule import schedule
from generation.prompts.weights import parse
from generation.upscaler import FACTORS, check_factor

# More than Discord lets anybody type (6000), for what comes from files and what styles add to; the
# checks of prompts take time in proportion, and a spreadsheet's cell holds 32,767.
PROMPT_LENGTH = 10_000
COUNT = (1, 4)
STEPS = (1, 100)
LCM_STEPS = (1, 50)  # of the LCM and TCD samplers: those that consistency is distilled at
GUIDANCE = (0.0, 30.0)  # up to 1 there is none
RESCALE = (0.0, 1.0)
SEED = (0, 2**32 - 1)
SIDE = (32, 2048)
SIDE_MULTIPLE = 8
HIRES_MULTIPLE = 16  # of sides that are worked out, where a family has one so large
FEATHER = (0, 64)  # px
# The cost of upscaling a pixel, in rows of a forward pass for one: 1.1 MFLOP (0.55 million
# multiply-adds) against Stable Diffusion 1.5's 3.1 (0.803 TFLOP for 512² pixels).
UPSCALE_PIXEL = 0.36
IMAGE_BYTES = 16 * 2**20  # an incompressible PNG of the largest size, with some margin


class Aspect(StrEnum):
    """The shapes people choose; a checkpoint's catalog entry turns one into pixels."""

    SQUARE = "square"
    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"
    WIDE = "wide"
    TALL = "tall"

    @property
    def ratio(self) -> float:
        """Width over height."""
        return _RATIOS[self]

    @property
    def as_ratio(self) -> str:
        """The same as people write it: ``3:2``."""
        ratio = Fraction(self.ratio).limit_denominator(20)
        return f"{ratio.numerator}:{ratio.denominator}"

    @classmethod
    def nearest(cls, ratio: float) -> "Aspect":
        """Return the shape nearest to this width divided by height."""
        return min(cls, key=lambda aspect: abs(math.log(aspect.ratio / ratio)))


_RATIOS = {
    Aspect.SQUARE: 1 / 1,
    Aspect.PORTRAIT: 2 / 3,
    Aspect.LANDSCAPE: 3 / 2,
    Aspect.WIDE: 16 / 9,
    Aspect.TALL: 9 / 16,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """The pictures to make, with diffusers' field names; sizes in pixels.

    Picture ``i`` is generated from noise seeded with ``seed + i``. ``checkpoint`` is a catalog
    name. With ``strength`` the pictures start from ``image``, an RGB PNG of exactly this width and
    height: near 0 they keep it, at 1 hardly anything of it is left. A recorded request may have
    ``strength`` alone; the bytes are added when it runs. ``guidance_rescale`` is the
    share of a guided output that gets the unguided contrast back. ``family`` is the name of the
    checkpoint's architecture, ``adapters`` are LoRAs by their names in the catalog.

    With ``feather`` only a part of ``image`` is drawn over: the white one of ``mask``, a greyscale
    PNG of this width and height. Around it pictures fade into the image over so many pixels, and
    further out they are the image. With ``hires`` a second pass draws over the same, enlarged.
    With ``tiling`` opposite edges continue each other. ``controls`` and ``references`` each have a
    PNG in ``control_images`` and ``reference_images``; they and the mask are recorded without.

    Raises InvalidRequest, naming the field and its limit.
    """

    prompt: str
    checkpoint: str
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    sampler: Sampler
    seed: int
    negative_prompt: str = ""
    num_images: int = 1
    image: bytes | None = field(default=None, repr=False)
    strength: float | None = None
    guidance_rescale: float | None = None
    family: str = SD1.name
    adapters: tuple[AdapterUse, ...] = ()
    mask: bytes | None = field(default=None, repr=False)
    feather: int | None = None
    hires: Hires | None = None
    tiling: bool = False
    controls: tuple[Control, ...] = ()
    control_images: tuple[bytes, ...] = field(default=(), repr=False)
    references: tuple[Reference, ...] = ()
    reference_images: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.family not in ARCHITECTURES:
            raise InvalidRequest("family", Phrase("bound-one-of", names=tuple(ARCHITECTURES)))
        if not self.prompt.strip() or len(self.prompt) > PROMPT_LENGTH:
            raise InvalidRequest("prompt", Phrase("bound-characters", least=1, most=PROMPT_LENGTH))
        if len(self.negative_prompt) > PROMPT_LENGTH:
            raise InvalidRequest(
                "negative_prompt", Phrase("bound-characters-most", most=PROMPT_LENGTH)
            )
        if not self.checkpoint:
            raise InvalidRequest("checkpoint", Phrase("bound-checkpoint-name"))
        for name, side in (("width", self.width), ("height", self.height)):
            bounded(name, side, SIDE)
            if side % SIDE_MULTIPLE:
                raise InvalidRequest(name, Phrase("bound-multiple", of=SIDE_MULTIPLE))
        bounded("count", self.num_images, COUNT)
        bounded("steps", self.num_inference_steps, STEPS)
        bounded("guidance_scale", self.guidance_scale, GUIDANCE)
        if self.guidance_rescale is not None:
            bounded("guidance_rescale", self.guidance_rescale, RESCALE)
        # Every picture has its own seed, by which it can be requested alone.
        bounded("seed", self.seed, (SEED[0], SEED[1] + 1 - self.num_images))
        if self.sampler not in tuple(Sampler):
            raise InvalidRequest("sampler", Phrase("bound-one-of", names=tuple(Sampler)))
        if self.sampler in DISTILLED:
            bounded("steps", self.num_inference_steps, LCM_STEPS)
        check_adapters(self.adapters)
        self._check_source()
        self._check_mask()
        check_controls(self.controls, self.control_images, IMAGE_BYTES)
        check_references(self.references, self.reference_images, IMAGE_BYTES)
        for name, prompt in (("prompt", self.prompt), ("negative_prompt", self.negative_prompt)):
            for _, text in schedule(prompt, self.steps_taken, name):
                parse(text, name)
        self._check_hires()
        if self.tiling and self.architecture.flow_matching:  # transformers know no padding
            raise InvalidRequest("tiling", Phrase("bound-tiling", family=self.architecture.title))

    def _check_source(self) -> None:
        if self.image is not None and len(self.image) > IMAGE_BYTES:
            raise InvalidRequest("image", Phrase("bound-file", most=IMAGE_BYTES // 2**20))
        if self.strength is None:
            if self.image is not None:
                raise InvalidRequest("strength", Phrase("bound-strength-needed"))
            return
        # The first comparison is false for NaN too.
        if isinstance(self.strength, bool) or not 0 < self.strength <= 1:
            raise InvalidRequest("strength", Phrase("bound-strength"))
        if self.steps_taken < 1:  # diffusers would silently return nothing
            least = math.ceil(100 / self.num_inference_steps) / 100
            raise InvalidRequest(
                "strength",
                Phrase("bound-strength-steps", least=least, steps=self.num_inference_steps),
            )

    def _check_mask(self) -> None:
        if self.feather is None:
            if self.mask is not None:
                raise InvalidRequest("feather", Phrase("bound-feather-needed", most=FEATHER[1]))
            return
        bounded("feather", self.feather, FEATHER)
        if self.strength is None:
            raise InvalidRequest("strength", Phrase("bound-strength-mask"))
        if self.mask is not None and len(self.mask) > IMAGE_BYTES:
            raise InvalidRequest("mask", Phrase("bound-file", most=IMAGE_BYTES // 2**20))

    def _check_hires(self) -> None:
        if self.hires is None:
            return
        self.hires.check(self.width, self.height, self._multiple, SIDE[1])
        try:
            _ = self.second_pass
        except InvalidRequest as error:
            # All but its own fields have been checked.
            own = error.field in ("strength", "steps")
            raise InvalidRequest(
                f"hires_{error.field}" if own else error.field, error.bound
            ) from None

    @property
    def second_pass(self) -> "GenerationRequest | None":
        """The request for the second pass, without its picture and its mask."""
        if self.hires is None:
            return None
        width, height = self.result_size
        steps, feather = self.hires.steps, self.feather
        return replace(
            self,
            width=width,
            height=height,
            num_inference_steps=self.num_inference_steps if steps is None else steps,
            strength=self.hires.strength,
            image=None,
            feather=None if feather is None else self.hires.edge(feather, FEATHER[1]),
            mask=None,
            hires=None,
        )

    @property
    def passes(self) -> "tuple[GenerationRequest, ...]":
        """This, and the request for the second pass if there is one."""
        second = self.second_pass
        return (self,) if second is None else (self, second)

    @property
    def result_size(self) -> tuple[int, int]:
        """(width, height) in pixels of the pictures that come out."""
        if self.hires is None:
            return self.width, self.height
        return self.hires.size(self.width, self.height, self._multiple)

    @property
    def _multiple(self) -> int:
        """Of which both sides of a second pass are multiples."""
        return min(self.architecture.side_multiple, HIRES_MULTIPLE)

    @property
    def guided(self) -> bool:
        """Whether classifier-free guidance takes a second row in each forward pass."""
        return self.guidance_scale > 1 and self.architecture.classifier_free

    @property
    def architecture(self) -> Architecture:
        """The facts of its checkpoint's family."""
        return ARCHITECTURES[self.family]

    @property
    def steps_taken(self) -> int:
        """How many of the steps are taken: with ``strength``, only the last ones."""
        if self.strength is None:
            return self.num_inference_steps
        if self.architecture.flow_matching:
            steps = self.num_inference_steps  # what is left out is rounded down, as in diffusers
            return steps - int(steps - steps * self.strength)
        return int(self.num_inference_steps * self.strength)  # rounded down, as in diffusers

    @property
    def forwards(self) -> int:
        """How often the denoiser runs for each picture."""
        match self.sampler:
            case Sampler.HEUN:  # second order, except for its last step
                return 2 * self.steps_taken - 1
            case Sampler.PNDM if self.num_inference_steps > 1:  # the first step is taken twice
                return self.steps_taken + 1
            case _:
                return self.steps_taken

    @property
    def rows(self) -> int:
        """How many rows of a forward pass the request takes while all its pictures are denoised."""
        return self.num_images * (2 if self.guided else 1)

    def cost(self) -> float:
        """Return the cost in rows × forward passes × pixels, as Stable Diffusion 1 takes them."""
        more = rows_more(self.controls, self.references, self.steps_taken)
        work = (1 + more) * self.rows * self.forwards * self.width * self.height
        cost = self.architecture.row_cost * work
        if self.hires is None or (second := self.second_pass) is None:
            return cost
        factor = self.hires.factor
        enlarging = upscale_cost(self.width, self.height, factor) if factor else 0.0
        return cost + self.num_images * enlarging + second.cost()


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded(GenerationRequest):
    """A picture that was uploaded, not generated, in place of a request.

    It may have any size that can be upscaled. Raises InvalidRequest, naming the field and its
    limit.
    """

    prompt: str = ""
    checkpoint: str = ""
    num_inference_steps: int = 1
    guidance_scale: float = 1.0
    sampler: Sampler = Sampler.DDIM
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1:
            raise InvalidRequest("image", Phrase("bound-image-side"))
        check_factor(self.width, self.height, FACTORS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscaleRequest:
    """A picture to enlarge: an RGB or RGBA PNG of exactly this width and height in pixels.

    ``seed`` is the picture's own, which the upscaled one keeps. Raises InvalidRequest, naming the
    field and its limit.
    """

    image: bytes = field(repr=False)
    width: int
    height: int
    factor: int
    seed: int

    rows: ClassVar[int] = 1
    num_images: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if len(self.image) > IMAGE_BYTES:
            raise InvalidRequest("image", Phrase("bound-file", most=IMAGE_BYTES // 2**20))
        check_factor(self.width, self.height, self.factor)

    def cost(self) -> float:
        """Return the cost in the units of `GenerationRequest.cost`."""
        return upscale_cost(self.width, self.height, self.factor)


Request = GenerationRequest | UpscaleRequest


def upscale_cost(width: int, height: int, factor: int) -> float:
    """Return the cost of upscaling a picture of this size, in `GenerationRequest.cost`'s units."""
    passes = {2: 1, 4: 5}[factor]  # doubling twice takes one and four times the source's pixels
    return UPSCALE_PIXEL * passes * width * height


@dataclass(frozen=True, slots=True)
class Loading:
    """The request's checkpoint is being loaded or downloaded, which may take minutes.

    ``share`` of it, from 0 to 1, is in memory.
    """

    checkpoint: str
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Started:
    """The request was admitted, and its steps come next.

    ``cut`` are the words of its prompts beyond the text encoder's limit.
    """

    cut: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Step ``step`` of ``of`` is done, ``seconds`` after the first began."""

    step: int
    of: int
    preview: bytes | None = None  # a small WebP of all pictures
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """One finished picture: its index in the request, its own seed, and the PNG file.

    ``nsfw`` is the probability that it is not safe for work, 0 to 1; None if pictures are not
    checked.
    """

    index: int
    seed: int
    png: bytes
    nsfw: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Every picture has been sent; ``device_seconds`` is the device time they took."""

    device_seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """No more pictures follow; ``error`` says why."""

    error: GenerationError
    device_seconds: float = 0.0


Event = Loading | Started | Progress | Picture | Finished | Failed

"""What can be told of a file of weights. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from generation.phrases import Phrase

# What the UNets of inpainting models take: the latents, a mask, and the latents of what stays.
UNET_INPAINTS = 9


class Kind(StrEnum):
    """What a file holds."""

    CHECKPOINT = "checkpoint"
    DIFFUSION_MODEL = "diffusion model"  # alone, without VAE and text encoders
    LORA = "LoRA"  # and its relatives: `ModelFile.algorithm`
    EMBEDDING = "embedding"
    VAE = "VAE"
    CONTROL = "control net"
    UPSCALER = "upscaler"
    TEXT_ENCODER = "text encoder"
    IMAGE_ENCODER = "image encoder"
    IP_ADAPTER = "IP-Adapter"
    CAPTIONER = "captioner"  # with what lies beside it
    UNKNOWN = "unknown"


class Part(StrEnum):
    """A part of a checkpoint."""

    DENOISER = "denoiser"
    VAE = "VAE"
    CLIP_L = "CLIP-L"
    CLIP_H = "CLIP-H"  # OpenCLIP ViT-H/14 of Stable Diffusion 2
    CLIP_G = "CLIP-G"  # OpenCLIP ViT-bigG/14 of SDXL and SD 3
    T5 = "T5-XXL"
    QWEN = "Qwen3"
    EMA = "EMA"  # averaged weights beside the trained ones; never loaded
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """What a file, or a folder in diffusers' format, is; picklable, and at most some kilobytes.

    ``family`` is a name of `generation.architectures`, or one of `TITLES` that we do not draw; None
    if it cannot be told, as of a VAE that several share. ``prediction_type`` is "epsilon",
    "v_prediction", "flow" or "edm"; None if the file does not tell. ``in_channels`` are those of
    the denoiser's input (9: inpainting), of a VAE those of its latents. ``distillation`` is
    "turbo", "lightning", "hyper", "lcm", "dmd2" or "schnell", where that is sure. ``sizes`` are
    what else shapes tell: of a union net how many things it reads, of an IP-Adapter how wide
    embeddings of pictures it takes, and of an image encoder how wide those are that it gives,
    projected and not. ``parts`` are the parameters of each part, ``precisions`` those stored in
    each precision ("fp16", "bf16", "fp8", …). ``bytes`` are those of the file. ``problem`` says in
    a line why it cannot be read; None for a whole file.
    """

    path: Path
    kind: Kind = Kind.UNKNOWN
    family: str | None = None
    # Of a LoRA "lora", "locon", "loha", "lokr", "dora", "oft", …; of a control net "controlnet",
    # "union", "lllite", "t2i", "lora"; of an IP-Adapter "base", "plus", "full", "face".
    algorithm: str | None = None
    sizes: tuple[int, ...] = ()
    prediction_type: str | None = None
    zero_snr: bool = False
    in_channels: int | None = None
    distillation: str | None = None
    guidance_embedded: bool = False  # takes the guidance as an input, as Flux dev and LCM
    quantization: str | None = None  # "fp8 scaled", "nf4", …: values that need more than a cast
    parts: Mapping[Part, int] = field(default_factory=dict)
    precisions: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    problem: Phrase | None = None

    @property
    def parameters(self) -> int:
        """How many parameters it holds, averaged ones (EMA) not counted."""
        return sum(count for part, count in self.parts.items() if part != Part.EMA)

    @property
    def precision(self) -> str:
        """The precision of most parameters; "" of none."""
        return max(self.precisions, key=self.precisions.__getitem__, default="")

    @property
    def inpaints(self) -> bool:
        """Whether its denoiser takes a mask and the picture behind it, too."""
        return self.in_channels in (UNET_INPAINTS, 33, 96)  # SD 3; Flux Fill

    @property
    def edits(self) -> bool:
        """Whether its denoiser takes another picture beside the latents, as InstructPix2Pix."""
        return self.in_channels not in (None, 4, 16) and not self.inpaints

    @property
    def is_mixed(self) -> bool:
        """Whether more than a hundredth is stored in another precision."""
        most = self.precisions.get(self.precision, 0)
        return 100 * most < 99 * sum(self.precisions.values())

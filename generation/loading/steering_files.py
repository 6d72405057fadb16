"""What can be told of files that steer by pictures: control nets, IP-Adapters, image encoders.

From their headers alone. Imports no torch.
"""

from dataclasses import replace

from generation.loading.key_rules import CONTEXTS, Tensors, context_width
from generation.loading.model_file import Kind, ModelFile
from generation.phrases import Phrase

STEERING = (Kind.CONTROL, Kind.IP_ADAPTER, Kind.IMAGE_ENCODER)
# Control nets that are built in another way, by how some of their names begin.
_OTHERS = {"lllite_": "lllite", "adapter.body.": "t2i", "lora_controlnet": "lora"}
_UNSUPPORTED = {
    "lllite": Phrase("control-lllite"),
    "t2i": Phrase("control-t2i"),
    "lora": Phrase("control-lora"),
}
_SIZED = ("label_emb.0.0.weight", "add_embedding.linear_1.weight")  # reads the picture's size, too
# The layer of an IP-Adapter's whose width says for how wide texts it was made.
_KEYS = "ip_adapter.1.to_k_ip.weight"


def with_steering(file: ModelFile, tensors: Tensors, said: str | None) -> ModelFile:
    """Return the file with its family, how it is built, and what its shapes tell.

    ``said`` is the family that its metadata names, for what its tensors do not tell.
    """
    match file.kind:
        case Kind.CONTROL:
            return _control(file, tensors, said)
        case Kind.IP_ADAPTER:
            return _reference(file, tensors, said)
        case _:
            return replace(file, sizes=_encoder(tensors))


def steering_problem(file: ModelFile, families: tuple[str, ...]) -> Phrase | None:
    """Return why nothing can be steered with a control net or an IP-Adapter; None if it can.

    ``families`` are those that such files can steer.
    """
    name = file.path.name
    if file.problem is not None:
        return file.problem
    if file.algorithm in _UNSUPPORTED:
        return Phrase("control-unsupported", file=name, what=_UNSUPPORTED[file.algorithm])
    if file.algorithm == "face":
        return Phrase("reference-face", file=name)
    if file.algorithm is None or file.family not in families:
        return Phrase("control-unsupported", file=name, what=Phrase("control-other"))
    return None


def _control(file: ModelFile, tensors: Tensors, said: str | None) -> ModelFile:
    built = next((name for start, name in _OTHERS.items() if _begins(tensors, start)), None)
    prefix = "control_model." if _begins(tensors, "control_model.") else ""
    sizes: tuple[int, ...] = ()
    if built is None and f"{prefix}task_embedding" in tensors:
        built, sizes = "union", tensors[f"{prefix}task_embedding"].shape[:1]
    elif built is None and any(
        prefix + name in tensors
        for name in ("input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight")
    ):
        built = "controlnet"
    if any(prefix + name in tensors for name in _SIZED):
        family: str | None = "sdxl"
    else:
        family = CONTEXTS.get(context_width(tensors, prefix) or 0)
    return replace(file, family=family or said, algorithm=built, sizes=sizes)


def _reference(file: ModelFile, tensors: Tensors, said: str | None) -> ModelFile:
    """The names are those of the authors: https://huggingface.co/h94/IP-Adapter."""
    family = CONTEXTS.get(tensors[_KEYS].width) if _KEYS in tensors else None
    built, width = None, 0
    for name, ending in (("base", "proj.weight"), ("plus", "proj_in.weight")):
        if (found := tensors.get(f"image_proj.{ending}")) is not None:
            built, width = name, found.width
    if "image_proj.proj.3.weight" in tensors and "image_proj.proj.0.weight" in tensors:
        built, width = "full", tensors["image_proj.proj.0.weight"].width
    elif built is None and ("image_proj.norm.weight" in tensors or _perceives(tensors)):
        built = "face"
    return replace(file, family=family or said, algorithm=built, sizes=(width,) if width else ())


def _perceives(tensors: Tensors) -> bool:
    return "image_proj.perceiver_resampler.proj_in.weight" in tensors


def _encoder(tensors: Tensors) -> tuple[int, ...]:
    """Return how wide its embeddings are, projected and not, where it is one of CLIP's."""
    projection = tensors.get("visual_projection.weight")
    if projection is None or len(projection.shape) != 2:
        return ()
    return projection.shape


def _begins(tensors: Tensors, start: str) -> bool:
    return any(key.startswith(start) for key in tensors)

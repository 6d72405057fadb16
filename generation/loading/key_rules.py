"""Which tensors tell what a file is. Imports no torch.

The names are the architectures' own, as their authors published them; other programs keep such
tables too: ComfyUI's ``model_detection.py``, diffusers' ``single_file_utils.py``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generation.loading.safetensors_file import Tensor

Tensors = Mapping[str, Tensor]

# Where the parts of a whole checkpoint begin: CompVis', Stability's and ComfyUI's prefixes.
PARTS = re.compile(
    r"(?P<EMA>model_ema\.)"
    r"|(?P<DENOISER>model\.diffusion_model\.)"
    r"|(?P<VAE>first_stage_model\.|vae\.)"
    r"|(?P<CLIP_L>cond_stage_model\.transformer\.|conditioner\.embedders\.0\.transformer\."
    r"|(?:cond_stage_model|text_encoders)\.clip_l\.)"
    r"|(?P<CLIP_H>cond_stage_model\.model\.|text_encoders\.clip_h\.)"
    r"|(?P<CLIP_G>conditioner\.embedders\.[01]\.model\."
    r"|(?:cond_stage_model|text_encoders)\.clip_g\.)"
    r"|(?P<T5>(?:cond_stage_model|text_encoders)\.t5xxl\.)"
    r"|(?P<QWEN>text_encoders\.qwen3_4b\.)"
)


class Ending:
    """How some names end, looked for in all names at once, one a line.

    A word of theirs is looked for first, since that is a hundred times faster.
    """

    def __init__(self, pattern: str, *words: str) -> None:
        self._words, self._pattern = words, re.compile(pattern, re.MULTILINE)

    def among(self, names: str) -> bool:
        """Whether any of the names ends so."""
        return any(word in names for word in self._words) and bool(self._pattern.search(names))


# How an adapter's tensors end, by algorithm; the first that any tensor matches names it.
ADAPTERS = {
    "dora": Ending(
        r"[._](?:dora_scale|lora_magnitude_vector(?:\.weight)?)$", "dora_scale", "lora_magnitude"
    ),
    "loha": Ending(r"\.hada_w[12]_[ab]$", ".hada_w"),
    "lokr": Ending(r"\.lokr_w[12](?:_[ab])?$", ".lokr_w"),
    "oft": Ending(r"\.oft_(?:blocks|diag)$|\.oft_R\.(?:.*\.)?weight$", ".oft_"),
    "boft": Ending(r"\.boft_", ".boft_"),
    "glora": Ending(r"^lora_\w+\.[ab][12]\.weight$", ".a1.weight", ".b1.weight"),
    "ia3": Ending(r"^lora_\w+\.on_input$", ".on_input"),
    "lora": Ending(r"[._]lora\d?(?:_linear_layer)?[._](?:down|up|mid|A|B)(?:\.|$)", "lora"),
    "full": Ending(r"^(?:lora_\w+|diffusion_model\.[\w.]+)\.diff(?:_b)?$", ".diff"),
}

# How values are packed beyond a cast, by the names of what unpacks them.
SCALED = "fp8 scaled"  # each matrix with a factor
QUANTIZATIONS = {
    SCALED: Ending(
        r"(?:^|\.)scaled_fp8$|\.(?:scale_weight|weight_scale)$",
        "scaled_fp8",
        ".scale_weight",
        ".weight_scale",
    ),
    "nf4": Ending(r"\.quant_state\.bitsandbytes__nf4$", "bitsandbytes__nf4"),
    "fp4": Ending(
        r"\.quant_state\.bitsandbytes__fp4$|\.weight_scale_2$",
        "bitsandbytes__fp4",
        ".weight_scale_2",
    ),
    "int8": Ending(r"\.SCB$", ".SCB"),
    "SVDQuant": Ending(r"\.(?:qweight|wscales|smooth_orig)$", ".qweight", ".wscales", ".smooth_"),
}

CONTROL = (
    "control_model.",
    "controlnet_cond_embedding.",
    "controlnet_blocks.",
    "controlnet_x_embedder.",
    "controlnet_down_blocks.",
    "controlnet_mid_block.",
    "input_hint_block.",
    "control_all_x_embedder.",
    "control_layers.",
    "lllite_",
    "adapter.body.",  # T2I-Adapter
    "lora_controlnet",
)
IP_ADAPTER = ("ip_adapter.", "image_proj.", "image_proj_model.", "ip_adapter_proj_model.")
# Real-ESRGAN in its new and old names, its small nets, SwinIR and its successors, SPAN.
UPSCALERS = re.compile(
    r"(?:params(?:_ema)?\.)?(?:body\.0\.rdb1\.|model\.1\.sub\.0\.|RRDB_trunk\.|body\.1\.weight$"
    r"|layers\.0\.residual_group\.|conv_after_body\.|upsample\.0\.|block_1\.c1_r\.)"
)
# A layer of a text encoder, whose width tells which of CLIP's it is.
TEXT_ENCODERS = {
    "text_model.encoder.layers.0.self_attn.q_proj.weight": None,
    "encoder.layers.0.self_attn.q_proj.weight": None,
    "transformer.text_model.encoder.layers.0.self_attn.q_proj.weight": None,
    "transformer.resblocks.0.attn.in_proj_weight": None,
    "encoder.block.0.layer.0.SelfAttention.q.weight": "T5",
    "model.layers.0.self_attn.q_proj.weight": "QWEN",
    "layers.0.self_attn.q_proj.weight": "QWEN",
}
# The widths of those that are drawn with, T5-XXL and Qwen3-4B, and what only others have whose
# layers are named alike: UMT5 a bias in each block, Gemma more norms. What is narrower than the
# least is somebody's toy.
ENCODER_WIDTHS = {"T5": 4096, "QWEN": 2560}
OTHER_ENCODERS = (
    "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
    "model.layers.0.pre_feedforward_layernorm.weight",
)
LEAST_WIDTH = 512
CLIP_WIDTHS = {768: "CLIP_L", 1024: "CLIP_H", 1280: "CLIP_G"}
IMAGE_ENCODERS = ("vision_model.", "visual.transformer.", "vision_tower.")
EMBEDDINGS = re.compile(r"emb_params|clip_[lg]|t5(?:xxl)?|string_to_param\.\S+|<[^<>]+>|\*")
EMBEDDING_ROWS = 128  # vectors; an embedding longer than a prompt serves nobody

DENOISER = "model.diffusion_model."

# The widths that a family's denoiser attends to, in an adapter's or an embedding's shapes.
CONTEXTS = {768: "sd1", 1024: "sd2", 2048: "sdxl"}

# Parts of the names in modelspec.architecture and kohya's ss_base_model_version; first that fits.
SPOKEN = {
    "xl": "sdxl",
    "stable-diffusion-3": "sd3",
    "stable-diffusion-v3": "sd3",
    "sd3": "sd3",
    "stable-diffusion-v2": "sd2",
    "sd_v2": "sd2",
    "stable-diffusion-v1": "sd1",
    "sd_v1": "sd1",
    "chroma": "chroma",
    "flux-2": "flux2",
    "flux2": "flux2",
    "flux": "flux",
    "zimage": "z_image",
    "z-image": "z_image",
    "qwen": "qwen_image",
    "wan": "wan",
    "hunyuan": "hunyuan_video",
    "lumina": "lumina2",
}


def context_width(tensors: Tensors, prefix: str = "") -> int | None:
    """Return the width of the text that a UNet attends to."""
    found = _first(tensors, prefix, ".transformer_blocks.0.attn2.to_k.weight")
    return found.width if found else None


def _first(tensors: Tensors, prefix: str, ending: str) -> Tensor | None:
    keys = (key for key in tensors if key.endswith(ending) and key.startswith(prefix))
    return next((tensors[key] for key in keys), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """A family has ``all`` these tensors, none of ``none``, and a UNet attends to ``context``."""

    family: str
    all: tuple[str, ...]
    none: tuple[str, ...] = ()
    context: int | None = None

    def fits(self, tensors: Tensors, prefix: str) -> bool:
        """Whether a denoiser whose names begin with ``prefix`` is of this family."""
        return (
            all(prefix + name in tensors for name in self.all)
            and not any(prefix + name in tensors for name in self.none)
            and self.context in (None, context_width(tensors, prefix))
        )


LABELS = "label_emb.0.0.weight"
UNET = ("input_blocks.0.0.weight", "time_embed.0.weight")
DIFFUSERS_UNET = ("conv_in.weight", "time_embedding.linear_1.weight")
ADDED = "add_embedding.linear_1.weight"
# The first that fits; special ones before what they are made from.
FAMILIES = (
    Rule("svd", (*UNET, "input_blocks.1.0.time_stack.in_layers.0.weight")),
    Rule("svd", (*UNET, "input_blocks.1.1.time_stack.0.norm1.weight")),
    Rule("sdxl_refiner", (*UNET, LABELS), context=1280),
    Rule("sd2_unclip", (*UNET, LABELS), context=1024),
    Rule("sdxl", (*UNET, LABELS)),
    Rule("sd_upscaler", (*UNET, "label_emb.weight")),
    Rule("unet", UNET),  # SD 1 or 2: see `unet_family`
    Rule("sdxl_refiner", (*DIFFUSERS_UNET, ADDED), context=1280),
    Rule("kolors", (*DIFFUSERS_UNET, ADDED, "encoder_hid_proj.weight")),
    Rule("sdxl", (*DIFFUSERS_UNET, ADDED)),
    Rule("unet", DIFFUSERS_UNET),
    Rule("cascade", ("clip_txt_mapper.weight",)),
    Rule("cascade", ("effnet_mapper.0.weight",)),
    Rule("sd3", ("joint_blocks.0.context_block.attn.qkv.weight",)),
    Rule("auraflow", ("cond_seq_linear.weight",)),
    Rule("chroma", ("distilled_guidance_layer.in_proj.weight",)),
    Rule("hunyuan_video", ("txt_in.individual_token_refiner.blocks.0.norm1.weight",)),
    Rule("flux2", ("double_stream_modulation_img.lin.weight",)),
    Rule("flux3", ("early_stream_modulations.image.lin.weight",)),
    Rule("flux", ("double_blocks.0.img_attn.norm.key_norm.scale", "img_in.weight")),
    Rule("flux", ("single_transformer_blocks.0.attn.to_q.weight", "x_embedder.weight")),
    Rule("qwen_image", ("txt_norm.weight",)),
    Rule("qwen_image", ("txt_in.text_norm.weight",)),
    Rule("ltx_video", ("patchify_proj.weight",)),
    Rule("pixart", ("y_embedder.y_proj.fc1.weight",), none=("blocks.0.cross_attn.q_linear.bias",)),
    Rule("pixart", ("t_block.1.weight", "y_embedder.y_embedding")),
    Rule("pixart", ("adaln_single.linear.weight", "caption_projection.linear_1.weight")),
    Rule("sana", ("caption_norm.weight",)),
    Rule("sana", ("blocks.0.cross_attn.q_linear.weight", "attention_y_norm.weight")),
    Rule("hunyuan_dit", ("mlp_t5.0.weight",)),
    Rule("wan", ("head.modulation",)),
    Rule("mochi", ("t5_yproj.weight",)),
    Rule("hidream", ("caption_projection.0.linear.weight",)),
    Rule("cosmos", ("net.x_embedder.proj.1.weight",)),
    Rule("cosmos", ("x_embedder.proj.1.weight",)),
    Rule("krea2", ("txtfusion.projector.weight",)),
    Rule("omnigen2", ("time_caption_embed.timestep_embedder.linear_1.weight",)),
    Rule("z_image", ("cap_embedder.0.weight", "x_pad_token")),
    Rule("lumina2", ("cap_embedder.0.weight", "noise_refiner.0.attention.q_norm.weight")),
    Rule("sd3", ("transformer_blocks.0.attn.add_q_proj.weight", "pos_embed.proj.weight")),
)

# As they are called, for messages. Those that are drawn, `generation.architectures` names too.
TITLES = {
    "sd1": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sdxl": "Stable Diffusion XL",
    "sd3": "Stable Diffusion 3",
    "flux": "Flux",
    "z_image": "Z-Image",
    "sdxl_refiner": "SDXL refiner",
    "playground": "Playground v2.5",
    "cosxl": "CosXL",
    "kolors": "Kolors",
    "svd": "Stable Video Diffusion",
    "sd2_unclip": "Stable unCLIP",
    "sd_upscaler": "Stable Diffusion upscaler",
    "cascade": "Stable Cascade",
    "auraflow": "AuraFlow",
    "chroma": "Chroma",
    "hunyuan_dit": "Hunyuan-DiT",
    "hunyuan_video": "HunyuanVideo",
    "flux2": "Flux 2",
    "flux3": "Flux 3",
    "qwen_image": "Qwen-Image",
    "ltx_video": "LTX-Video",
    "pixart": "PixArt",
    "sana": "Sana",
    "wan": "Wan",
    "mochi": "Mochi",
    "hidream": "HiDream",
    "cosmos": "Cosmos",
    "krea2": "Krea 2",
    "omnigen2": "OmniGen 2",
    "lumina2": "Lumina 2",
}


def family_of(tensors: Tensors, prefix: str) -> str | None:
    """Return the family of a denoiser whose names begin with ``prefix``, None if unknown."""
    family = next((rule.family for rule in FAMILIES if rule.fits(tensors, prefix)), None)
    if family == "unet":
        return _unet_family(tensors, prefix)
    if family == "sdxl" and "edm_mean" in tensors:
        return "playground"
    if family == "sdxl" and "edm_vpred.sigma_max" in tensors:
        return "cosxl"
    return family


def _unet_family(tensors: Tensors, prefix: str) -> str | None:
    """SD 2 projects its attention's input by a matrix, SD 1 by a convolution over one cell."""
    found = _first(tensors, prefix, ".proj_in.weight")
    return None if found is None else "sd2" if len(found.shape) == 2 else "sd1"


# By a name in an adapter, where its shapes do not tell.
ADAPTED: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("flux", re.compile(r"(?:^|[._])(?:single_(?:transformer_)?|double_)blocks[._]").search),
    ("qwen_image", re.compile(r"transformer_blocks[._]\d+[._]img_mlp").search),
    ("sd3", re.compile(r"joint_blocks[._]|transformer_blocks\.\d+\.attn\.add_k_proj").search),
    ("z_image", re.compile(r"layers[._]\d+[._]adaLN_modulation|noise_refiner").search),
    ("wan", re.compile(r"blocks[._]\d+[._](?:cross_attn|self_attn)[._][qkvo]\b").search),
    ("sdxl", re.compile(r"lora_te2_|text_encoder_2\.").search),  # which others have, too
)
# Families whose adapters have names of another's; what their metadata says counts.
ALIKE = {"flux": ("flux2", "chroma", "hunyuan_video"), "sd3": ("qwen_image",)}
FLUX_WIDTH = 3072

"""The details in errors, in English here, and by code for translation into other languages.

A limit continues "must be", a reason 'checkpoint "…":'. The bot's catalog has a text for each code,
with the same fields.
"""

from collections.abc import Mapping
from typing import Any, Self

Value = str | int | float | tuple[str, ...]  # a Phrase may contain another

ENGLISH: Mapping[str, str] = {
    "bound-between": "{least} to {most}",
    "bound-characters": "{least} to {most} characters",
    "bound-characters-most": "at most {most} characters",
    "bound-characters-with-style": "at most {most} characters with the style {style}",
    "bound-checkpoint-name": "a name from the catalog",
    "bound-multiple": "a multiple of {of}",
    "bound-one-of": "one of {names}",
    "bound-weights": "written with weights from 0 to {most}; “{piece}” weighs {weight}. Write `\\("
    "` and `\\)` for brackets themselves",
    "bound-adapters": "written with at most {most} LoRAs",
    "bound-adapters-memory": "LoRAs that together take at most {most} MiB",
    "bound-adapters-once": "written with each LoRA once",
    "bound-adapter-name": "written with LoRA names of {least} to {most} characters",
    "bound-adapter-weight": "written with LoRA weights from {least} to {most}, as in"
    " `<lora:name:0.8>`; “{name}” has “{weight}”",
    "bound-adapters-written": "written as `name:0.8`, with commas between several",
    "bound-adapter-typable": "1 to {most} characters without `<`, `>` and `:`",
    "bound-trigger-words": "at most {most} texts of 1 to {length} characters",
    "bound-prompt-texts": "a prompt that changes into at most {most} different texts while it is"
    " drawn, fewer of `[one|other]` and `[from:to:when]`",
    "bound-strength": "a number greater than 0 and at most 1",
    "bound-strength-needed": "greater than 0 and at most 1 when there is an image",
    "bound-strength-steps": "at least {least} with {steps} steps",
    "bound-strength-mask": "greater than 0 and at most 1 when there is a mask",
    "bound-feather-needed": "a number of pixels from 0 to {most} when there is a mask",
    "bound-mask-needed": "given when there is a feather",
    "bound-mask-size": "a greyscale PNG of {width}×{height} px",
    "bound-mask-words": "at most {most} things, with commas between them",
    "bound-mask-empty": "white where the picture is to change; it is black everywhere",
    "bound-mask-full": "black where the picture is to stay; it is white everywhere",
    "bound-canvas": "{least} to {most} px; this canvas would have {found}",
    "bound-canvas-more": "more than the picture: nothing would be added",
    "bound-tiling": "left out with {family}, whose pictures have edges",
    "bound-hires": "a factor from 1 to {fits} for {width} × {height} px: {most} px is the most",
    "bound-controls": "at most {most} controls",
    "bound-control-end": "greater than its start, {start}, and at most 1",
    "bound-references": "at most {most} references",
    "bound-pictures": "one picture for each: {count}",
    "bound-image-needed": "given when there is a strength",
    "bound-image-size": "an RGB PNG of {width}×{height} px",
    "bound-image-side": "at least 1 px on each side",
    "bound-image-png": "a complete PNG file",
    "bound-image-file": "a complete PNG, JPEG, WebP, AVIF or HEIC file",
    "bound-image-other": "a PNG, JPEG, WebP, AVIF or HEIC file, not {found}",
    "bound-image-scans": "a JPEG with at most {most} scans",
    "bound-image-pixels": "at most {most} megapixels",
    "bound-image-webp": "at most {most} megapixels as {format}",
    "bound-image-aspect": "at most {most} times as long as it is wide",
    "bound-image-text": "a picture with at most {most} characters of text",
    "bound-image-smaller": "a smaller picture",
    "bound-image-upscale": "at most {most} px on each side to be upscaled",
    "bound-file": "at most {most} MiB",
    "bound-either": "{names}",
    "bound-factor-here": "{names} for {width} × {height} px: {most} px is the most",
    "bound-style-name": "{least} to {most} characters, and not {taken}",
    "bound-style-prompt": "a text that contains {place} once and no other braces",
    "bound-no-shift": "left out: {family} has none",
    "bound-without-lcm": "a sampler other than {sampler} unless lcm = true",
    "checkpoint-not-listed": "not in the catalog, which has {names}",
    "checkpoint-not-among": "not in the catalog; `/checkpoints` lists all {count}",
    "checkpoint-near": "not in the catalog of {count}; the most similar names are {names}",
    "checkpoint-none-here": "not in the catalog, which has none for this place",
    "checkpoint-file": "{file}: {why}",
    "checkpoint-file-missing": "no such file: {file}",
    "checkpoint-folder-missing": "no such folder: {folder}",
    "checkpoint-lacks": "{folder} lacks {names}",
    "checkpoint-other-pipeline": "{file} names {found} instead of a {wanted}",
    "checkpoint-pickled": "pickled weights are refused; safetensors only ({folder} has {names} and"
    " no {wanted})",
    "checkpoint-pickled-file": "pickled weights are refused; safetensors only, not {file}",
    "checkpoint-no-weight-map": "{file} has no weight_map",
    "checkpoint-shard": "{file} names {shard}; safetensors only, beside it",
    "checkpoint-no-json": "{file} is not valid JSON",
    "checkpoint-no-object": "{file} is not a JSON object",
    "checkpoint-no-safetensors": "{file} is not a safetensors file",
    "checkpoint-cut-short": "{file} is cut short in its header",
    "checkpoint-empty": "{file} is empty",
    "checkpoint-truncated": "{file} is truncated: {count} bytes are missing",
    "checkpoint-too-long": "{file} is {count} bytes too long",
    "checkpoint-damaged": "{file} is damaged: its header is wrong about {key}",
    "checkpoint-header": "{file} has a header of more than {most} MiB, which is not read",
    "checkpoint-parts": "{file} lacks {names}, and no file beside it has them",
    "checkpoint-part-lacks": "its {part} lacks {name}",
    "checkpoint-shape": "its {name} is {found} instead of {wanted}",
    "checkpoint-scale": "its {name} has {count} factors, which is neither one nor one for each row",
    "checkpoint-other-family": "{file} is a {found} model, and its family is said to be {wanted}",
    "checkpoint-other-config": "{file} has weights of {found}, and {folder} describes {wanted}",
    "checkpoint-impostor": "{file} is not a safetensors file but {what}",
    "content-lfs": "a pointer of Git LFS; run git lfs pull",
    "content-page": "a web page; download it again",
    "content-pickle": "pickled weights, which are refused",
    "content-gguf": "a GGUF file",
    "checkpoint-kind": "{file} is {what}, not a checkpoint",
    "checkpoint-not-drawn": "{file} is a {family} model, which is not supported",
    "checkpoint-quantized": "{file} is quantized as {found}, which is not supported",
    "checkpoint-inpaints": "{file} is an inpainting model of {family}, which is not supported",
    "checkpoint-unreadable": "{file} cannot be read within the time and memory for one file",
    "checkpoint-other-format": "{file} is in a format that is not read; safetensors only",
    "checkpoint-moving": "{file} is still being copied",
    "checkpoint-edits": "{file} takes {channels} channels; editing is not supported",
    "checkpoint-unknown": "{file} holds no model that Darkroom knows",
    "kind-diffusion-model": "a diffusion model without VAE and text encoder",
    "kind-lora": "a LoRA",
    "kind-embedding": "an embedding",
    "kind-vae": "a VAE",
    "kind-control": "a ControlNet",
    "kind-upscaler": "an upscaler",
    "kind-text-encoder": "a text encoder",
    "kind-image-encoder": "an image encoder",
    "kind-ip-adapter": "an IP-Adapter",
    "kind-captioner": "a captioner, which describes pictures",
    "kind-segmenter": "a segmenter, which finds what words mean in pictures",
    "checkpoint-not-found": "it has no source, and none of this name is in the folders of models",
    "checkpoint-no-source": "{source} is neither a folder nor a hub id (owner/name)",
    "checkpoint-hub-out-of-reach": "{repository} is not on disk and the hub is out of reach",
    "checkpoint-hub": "{repository} on the hub: {why}",
    "checkpoint-scheduler": "its scheduler's configuration does not suit {sampler}: {why}",
    "checkpoint-predicts": "it predicts {kind}, which not every sampler can follow",
    "checkpoint-lacks-weights": "{count} of its weights are missing, such as {first}",
    "checkpoint-takes": "its UNet takes {channels} channels",
    "checkpoint-preview": "{file} must hold a {channels}×3 matrix and a bias of 3",
    "checkpoint-checker-lacks": "its safety checker lacks {weight}",
    "checkpoint-changed": "{file} is not the file that was published (its SHA-256 is {found}…, not"
    " {wanted}…); install Darkroom again",
    "checkpoint-unpublished": "{file} was never published; SHA256SUMS does not name {name}",
    "checkpoint-revisions": "{file}: {why}; mend it, or remove it to pin anew",
    "adapter-kind": "{file} is {what}, not a LoRA",
    "adapter-other-family": "{file} was made for {made}, not for {wanted}",
    "adapter-does-not-fit": "{file} does not fit {wanted}: most of its layers are others",
    "adapter-not-drawn": "{file} was made for {family}, which is not supported",
    "adapter-no-family": "{file} does not say what it was made for, and fits nothing that is"
    " supported",
    "adapter-size": "{file} holds more than {most} MiB",
    "embedding-pickled": "{file} is pickled and may contain code, so it is refused; this converts"
    " it: {command}",
    "embedding-kind": "{file} is {what}, not an embedding",
    "embedding-does-not-fit": "{file} does not fit the text encoders of {wanted}",
    "embedding-length": "{file} holds more than {most} vectors",
    "embedding-not-finite": "{file} is damaged: it holds values that are no numbers",
    "adapter-not-listed": "not among the LoRAs here",
    "adapter-near": "not among the LoRAs here; the most similar names are {names}",
    "adapter-not-found": "it has no source, and no LoRA of this name is in the folders of models",
    "bound-control-memory": "control nets that together take at most {most} MiB",
    "bound-reference-memory": "references whose models together take at most {most} MiB",
    "bound-control-image": "a complete PNG of at most {most} px on each side",
    "control-none": "there is none for {wanted} here",
    "control-not-listed": "not among those here; the most similar names are {names}",
    "control-unsupported": "{file} is {what}, which is not supported",
    "control-lllite": "a ControlNet-LLLite",
    "control-t2i": "a T2I-Adapter",
    "control-lora": "a Control-LoRA",
    "control-other": "a ControlNet of another family",
    "control-does-not-fit": "{file} does not fit this checkpoint: {name} is {found} instead of"
    " {wanted}",
    "reference-face": "{file} needs a face's embedding, which Darkroom does not make",
    "reference-encoder": "{file} needs an image encoder whose embeddings are {width} wide, and none"
    " lies in the folders",
    "reference-lacks": "{file} lacks {name}",
}


class Phrase(str):
    """An English phrase with its code and values.

    The English text is for the log, for tests, and for running the worker by hand.
    """

    code: str
    values: Mapping[str, Value]

    def __new__(cls, code: str, /, **values: Value) -> Self:
        """Format ``ENGLISH[code]`` with these values; a limit's names are joined by "or"."""
        last = " or " if code.startswith("bound-") else " and "
        shown = {
            name: _listed(value, last) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        made = super().__new__(cls, ENGLISH[code].format(**shown))
        made.code, made.values = code, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as code and values."""
        return _again, (self.code, self.values)


def reason_of(error: Exception) -> str:
    """Return an error's phrase, or the first line of a library's message.

    If that is empty, it is the error's class.
    """
    if error.args and isinstance(error.args[0], Phrase):
        return error.args[0]
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _listed(names: tuple[str, ...], last: str) -> str:
    return last.join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _again(code: str, values: Mapping[str, Value]) -> Phrase:
    return Phrase(code, **values)

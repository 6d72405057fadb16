"""How a picture was made, from its file, whatever program made it. Imports no torch.

Where the texts are is the format's matter (`containers`), what they mean each program's. What is
hidden in pixels is looked for last, for it takes decoding them.
"""

import io
from collections.abc import Callable

from PIL import Image

from generation.errors import InvalidRequest
from generation.metadata import (
    containers,
    infotext,
    invokeai,
    midjourney,
    novelai,
    programs,
    stealth,
)
from generation.metadata.containers import Texts, json_object
from generation.metadata.infotext import Parameters
from generation.metadata.png_chunks import MAX_TEXT, TooLong
from generation.phrases import Phrase
from generation.source_image import MAX_BYTES, MAX_PIXELS, MAX_WEBP_PIXELS

Reader = Callable[[Texts], Parameters | None]

# Who is known by what stands in a file, and writes nothing that could be read.
_MAKERS = {
    "chatgpt": "ChatGPT",
    "openai": "OpenAI",
    "dall-e": "DALL·E",
    "dall·e": "DALL·E",
    "firefly": "Adobe Firefly",
    "bing image creator": "Bing Image Creator",
    "microsoft designer": "Microsoft Designer",
    "made with google ai": "Google",
    "imagen": "Google Imagen",
    "leonardo.ai": "Leonardo",
    "ideogram": "Ideogram",
    "recraft": "Recraft",
    "black-forest-labs": "Black Forest Labs",
    "stability ai": "Stability AI",
    "novelai": "NovelAI",
    "midjourney": "Midjourney",
    "invokeai": "InvokeAI",
    "comfyui": "ComfyUI",
    "fooocus": "Fooocus",
    "swarmui": "SwarmUI",
    "draw things": "Draw Things",
    "easy diffusion": "Easy Diffusion",
    "tensor.art": "TensorArt",
    "civitai": "Civitai",
}
_MAKERS_KEYS = (
    "software",
    "creatortool",
    "credit",
    "make",
    "creator",
    "artist",
    "source",
    "author",
)
# The claim of C2PA, which many services sign pictures with: a box of JUMBF in a PNG, JPEG or WebP.
_CLAIM = b"c2pa"
_CLAIMED = {
    b"OpenAI": "OpenAI",
    b"ChatGPT": "ChatGPT",
    b"Firefly": "Adobe Firefly",
    b"Google C2PA": "Google",
    b"Microsoft_Responsible_AI": "Microsoft",
    b"black-forest": "Black Forest Labs",
}
# Where a text is taken for settings if it holds some, and in the first for a prompt if it does not.
_INFOTEXT_KEYS = (
    "parameters",
    "usercomment",
    "imagedescription",
    "comment",
    "description",
    "xpcomment",
)


def _infotext(texts: Texts) -> Parameters | None:
    for wanted in _INFOTEXT_KEYS:
        for key, text in texts.pairs:
            if key.casefold() != wanted or json_object(text) is not None:
                continue
            found = infotext.parse(text)
            if found is not None and (wanted == "parameters" or _has_settings(found)):
                return found
    return None


def _has_settings(found: Parameters) -> bool:
    words = Parameters(prompt=found.prompt, negative_prompt=found.negative_prompt)
    return found != words


# The surest first; the last takes whatever looks like settings.
_READERS: tuple[Reader, ...] = (
    _infotext,
    programs.swarmui,
    invokeai.parse,
    programs.fooocus,
    programs.civitai,
    programs.tensorart,
    programs.comfy,
    programs.draw_things,
    programs.easy_diffusion,
    midjourney.parse,
    novelai.parse,
    programs.anybody,
)


def read(data: bytes) -> Parameters | None:
    """Return what a picture's file says about its making; None where it says nothing.

    Where a program is recognised that does not say how, ``program`` is all that there is. Raises
    InvalidRequest, naming ``image`` and the bound it is out of. A few milliseconds, or as long as
    the picture takes to decode, so call it in a thread.
    """
    if len(data) > MAX_BYTES:
        raise InvalidRequest("image", Phrase("bound-file", most=MAX_BYTES // 2**20))
    try:
        with Image.open(io.BytesIO(data), formats=containers.FORMATS) as image:
            texts = containers.texts_of(image, data)
            found = parse(texts)
            if found is None or not found.says_how:
                found = _hidden(image) or found
    except TooLong as error:
        raise InvalidRequest("image", Phrase("bound-image-text", most=MAX_TEXT)) from error
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever comes to their mind
        raise InvalidRequest("image", Phrase("bound-image-file")) from error
    return found or _maker(texts, data)


def parse(texts: Texts) -> Parameters | None:
    """Return what the first program says that knows the texts, or who it was."""
    recognised = None
    for reader in _READERS:
        found = reader(texts)
        if found is not None and found.says_how:
            return found
        recognised = recognised or found
    return recognised


def _hidden(image: Image.Image) -> Parameters | None:
    """Return what is hidden in the pixels, if there are not too many to decode."""
    lossless = image.format in ("PNG", "WEBP")
    most = MAX_PIXELS if image.format == "PNG" else MAX_WEBP_PIXELS
    if not lossless or image.width * image.height > most:
        return None
    try:
        text = stealth.hidden(image)
    except (OSError, ValueError, SyntaxError):  # its pixels are broken, what it says is not
        return None
    if text is None:
        return None
    if len(text) > MAX_TEXT:
        raise TooLong
    said = json_object(text) or {}
    inner = [(key, value) for key, value in said.items() if isinstance(value, str)]
    return parse(Texts((("parameters", text), *inner)))


def _maker(texts: Texts, data: bytes) -> Parameters | None:
    for key, text in texts.pairs:
        if key.casefold() in _MAKERS_KEYS:
            low = text[:1000].casefold()
            if name := next((name for word, name in _MAKERS.items() if word in low), None):
                return Parameters(program=name)
    if _CLAIM in data:
        named = next((name for word, name in _CLAIMED.items() if word in data), None)
        return Parameters(program=named) if named else None
    return None

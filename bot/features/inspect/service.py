"""From a picture file's metadata to options for a similar picture."""

from bot.options import dialects, elsewhere
from bot.options.image_options import ImageOptions
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.metadata.infotext import Parameters, is_ours
from generation.request import PROMPT_LENGTH


def likeness(found: Parameters, catalog: Catalog) -> ImageOptions:
    """Return options for one picture with the file's parameters, as far as they are valid here.

    The prompts are put into our way of writing unless we wrote them. What is left out quotes the
    file: escape and shorten it before showing. Raises InvalidRequest, naming ``image``, if the file
    has no prompt, or one that is too long.
    """
    if max(len(found.prompt), len(found.negative_prompt)) > PROMPT_LENGTH:
        raise InvalidRequest("image", say("bound-image-words", most=str(PROMPT_LENGTH)))
    options = elsewhere.options_of(found, catalog)
    prompt, negative_prompt = found.prompt, found.negative_prompt
    if not is_ours(found):
        words = dialects.of_program(prompt, found.program)
        away = dialects.of_program(negative_prompt, found.program)
        prompt = words.words
        negative_prompt = ", ".join(filter(None, (away.words, away.away, words.away)))
        options = options.without(*words.left_out, *away.left_out)
    if not prompt.strip():
        raise InvalidRequest("image", say("bound-image-prompt"))
    return options.but(prompt=prompt, negative_prompt=negative_prompt, count=1)

"""From a picture file's metadata to options for a similar picture."""

from bot.options import elsewhere
from bot.options.image_options import ImageOptions
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.metadata.infotext import Parameters
from generation.request import PROMPT_LENGTH


def likeness(found: Parameters, catalog: Catalog) -> ImageOptions:
    """Return options for one picture with the file's parameters, as far as they are valid here.

    The prompts are put into our way of writing unless we wrote them. What is left out quotes the
    file: escape and shorten it before showing. Raises InvalidRequest, naming ``image``, if the file
    has no prompt, or one that is too long.
    """
    if max(len(found.prompt), len(found.negative_prompt)) > PROMPT_LENGTH:
        raise InvalidRequest("image", say("bound-image-words", most=str(PROMPT_LENGTH)))
    options = elsewhere.all_of(found, catalog)
    if not options.prompt:
        raise InvalidRequest("image", say("bound-image-prompt"))
    return options.but(count=1)

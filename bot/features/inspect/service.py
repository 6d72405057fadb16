"""From a picture file's metadata to options for a similar picture."""

from bot.options.image_options import ImageOptions
from bot.options.other_programs import elsewhere
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.metadata.infotext import Parameters
from generation.prompts.adapters import ADAPTER_NAME_LENGTH, MOST_ADAPTERS
from generation.request import PROMPT_LENGTH

# What LoRAs take in a file's prompt besides its words: each its name and its weights.
TAGS_LENGTH = MOST_ADAPTERS * (ADAPTER_NAME_LENGTH + 50)


def likeness(found: Parameters, catalog: Catalog) -> ImageOptions:
    """Return options for one picture with the file's parameters, as far as they are valid here.

    The prompts are put into our way of writing unless we wrote them. What is left out quotes the
    file: escape and shorten it before showing. Raises InvalidRequest, naming ``image``, if the file
    has no prompt, or one that is too long.
    """
    too_long = InvalidRequest("image", say("bound-image-words", most=str(PROMPT_LENGTH)))
    if max(len(found.prompt), len(found.negative_prompt)) > PROMPT_LENGTH + TAGS_LENGTH:
        raise too_long
    options = elsewhere.all_of(found, catalog)
    if max(len(options.prompt), len(options.negative_prompt)) > PROMPT_LENGTH:
        raise too_long
    if not options.prompt:
        raise InvalidRequest("image", say("bound-image-prompt"))
    return options.but(count=1)

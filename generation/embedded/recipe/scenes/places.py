"""The other words of captions: places, light, and phrases people add."""

from dataclasses import dataclass

from generation.embedded.recipe.scenes.backgrounds import PLAIN


@dataclass(frozen=True, slots=True)
class Place:
    """A background's name, the phrases for it, and what one does there."""

    phrases: tuple[str, ...]
    verbs: tuple[str, ...] = ()


_STAND = ("sitting", "standing", "resting", "waiting", "alone", "posing")
_FLOAT = ("floating", "flying", "hovering", "drifting", "soaring")
_SWIM = ("swimming", "floating", "drifting")

PLACES: dict[str, Place] = {
    "clouds": Place(
        (
            *("in clouds", "in the clouds", "in clouds", "above the clouds", "among clouds"),
            *("in a cloudy sky", "in the sky", "high in the sky", "surrounded by clouds"),
            *("on a cloud", "over a sea of clouds", "through the clouds", "in white clouds"),
        ),
        _FLOAT,
    ),
    "sunset": Place(
        (
            *("at sunset", "at dusk", "in front of a sunset", "in the evening sun", "at sundown"),
            *("under a red sky", "with the sunset behind it", "before the setting sun"),
        ),
        _STAND,
    ),
    "night": Place(
        (
            *("at night", "under the stars", "under a starry sky", "in the moonlight", "by night"),
            *("on a starry night", "under the moon", "in the dark", "beneath the night sky"),
        ),
        _STAND,
    ),
    "space": Place(
        (
            *("in space", "in outer space", "among the stars and planets", "in the galaxy"),
            *("in the universe", "in the cosmos", "far away in space", "in orbit"),
        ),
        _FLOAT,
    ),
    "skyline": Place(
        (
            *("in a city", "in the city", "in front of a skyline", "in front of skyscrapers"),
            *("on a city street", "in the street", "downtown", "in front of tall buildings"),
        ),
        _STAND,
    ),
    "neon_city": Place(
        (
            *("in a neon city", "in a neon city at night", "in a cyberpunk city", "in neon lights"),
            *("on a neon-lit street", "in front of neon signs", "in a city of neon"),
            *("in a city at night", "on a neon street at night", "in a futuristic neon city"),
        ),
        _STAND,
    ),
    "rooftop": Place(
        (
            *("on a rooftop", "on a roof", "on the roof", "on top of a building"),
            *("on the roof of a house", "on a rooftop in the city", "up on a roof"),
        ),
        _STAND,
    ),
    "neon_rooftop": Place(
        (
            *("on a neon-lit rooftop", "on a neon rooftop", "on a rooftop at night"),
            *("on a rooftop in a neon city", "on a cyberpunk rooftop", "on a neon lit roof"),
            *("on a roof with neon lights", "on a rooftop in neon light", "on a glowing rooftop"),
        ),
        _STAND,
    ),
    "forest": Place(
        (
            *("in a forest", "in the forest", "in front of a forest", "in the woods"),
            *("among trees", "between fir trees", "in a dark wood", "in a magical forest"),
        ),
        _STAND,
    ),
    "meadow": Place(
        (
            *("in a meadow", "on a meadow", "on a green hill", "on the grass", "in a field"),
            *("in a field of flowers", "in a garden", "in the countryside", "in a park"),
        ),
        _STAND,
    ),
    "sea": Place(
        (
            *("on the sea", "at sea", "in the ocean", "on the ocean", "on the water"),
            *("on the waves", "in the sea", "on a lake", "in open water"),
        ),
        _SWIM,
    ),
    "beach": Place(
        (
            *("on a beach", "on the beach", "at the beach", "on the sand by the sea", "by the sea"),
            *("on a tropical island", "at the seaside", "on a sandy shore"),
        ),
        _STAND,
    ),
    "snow": Place(
        (
            *("in the snow", "in a snowy landscape", "in winter", "on a snowy hill"),
            *("on a snowy day", "in falling snow", "in the ice and snow", "in a winter wonderland"),
        ),
        _STAND,
    ),
    "desert": Place(
        (
            *("in the desert", "in a desert", "on a sand dune", "in the hot desert"),
            *("among cacti", "in the sahara", "in a dry land", "between dunes"),
        ),
        _STAND,
    ),
    "mountains": Place(
        (
            *("in the mountains", "in front of mountains", "on a mountain", "in the alps"),
            *("before a mountain", "in front of snowy peaks", "on top of a mountain"),
        ),
        _STAND,
    ),
    "room": Place(
        (
            *("in a room", "in a living room", "at home", "inside a house", "indoors"),
            *("in the kitchen", "on the floor", "in a bedroom", "by the window"),
        ),
        _STAND,
    ),
    "under_water": Place(
        (
            *("under water", "underwater", "under the sea", "in the deep sea"),
            *(
                "at the bottom of the sea",
                "in an aquarium",
                "deep under the ocean",
                "in deep water",
            ),
        ),
        _SWIM,
    ),
    **{
        f"plain {word}": Place(
            (
                *(f"on a {word} background", f"on {word}", f"in front of a {word} wall"),
                *(f"{word} background", f"with a {word} background", f"against plain {word}"),
            )
        )
        for word in PLAIN
    },
}
"""Every background but white, which is what no words for a place mean."""

NEON_PLACES = ("neon_city", "neon_rooftop")
DARK_PLACES = ("night", "space", *NEON_PLACES)
NIGHT_WORDS = ("at night", "by night", "in the dark", "at midnight", "in the moonlight")
GOLDEN_WORDS = ("at golden hour", "in golden light", "in warm evening light", "golden hour")
NEON_WORDS = ("cyberpunk", "neon", "neon-lit", "glowing", "synthwave", "cyber")
SMALL_WORDS, BIG_WORDS = ("small", "tiny", "little"), ("big", "huge", "giant", "large")

STYLED = {
    "flat": (
        *("a flat illustration of {one}", "flat icon of {one}", "flat design of {one}"),
        *("flat emoji of {one}", "{one} in flat style", "{one} in flat colors"),
        *("a flat {bare}", "a flat {bare}", "flat {bare}"),
    ),
    "sticker": (
        *("a sticker of {one}", "sticker of {one}", "{one} sticker", "{one} sticker"),
        *("{one} as a sticker", "a cute sticker of {one}", "a die cut sticker of {one}"),
    ),
}
"""What is said of a style around the subject, or its name alone; below, at a sentence's end."""
STYLES = {
    "flat": ("flat style", "flat design", "flat icon", "flat", "flat vector art"),
    "sticker": ("sticker", "sticker style", "die cut sticker", "sticker design"),
}

FILLERS = tuple(
    """beautiful cute happy futuristic funny lovely amazing old young fluffy majestic epic
pretty magical fantastic mysterious lonely brave smiling adorable elegant nice cool wonderful
whimsical photorealistic detailed realistic dreamy fancy great shiny modern cozy cheerful dramatic
surreal vibrant colorful colourful stylish ancient wild friendly cinematic minimalist""".split()  # noqa: SIM905
)
LEADS = """a picture of|an image of|a photo of|an illustration of|a painting of|a drawing of|
an emoji of|3d render of|3d emoji of|a portrait of|digital art of|draw|show me|a scene with|
there is|imagine|a close-up of|concept art of""".replace("\n", "").split("|")
TAILS = """highly detailed|4k|8k|digital art|trending on artstation|cinematic lighting|3d render|
concept art|sharp focus|masterpiece|best quality|unreal engine|octane render|vivid colors|
ultra detailed|wallpaper|high resolution|emoji style|fluent style|beautiful lighting|
intricate|award winning|soft light|please""".replace("\n", "").split("|")

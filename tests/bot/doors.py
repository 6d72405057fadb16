"""Every door by which people ask the bot for something, and whom it may tell what."""

from enum import Enum, auto

from bot.features.editing.region import TEMPLATE as REGION
from bot.features.imagine.prompt_form import BEGUN
from bot.features.imagine.source_menu import SOURCE
from bot.ui.actions import moderation_actions
from bot.ui.actions.custom_id import TEMPLATE

HASH = "0" * 64


class Learns(Enum):
    """What a door may tell whoever knocks."""

    NOTHING = auto()  # of any job
    OWN = auto()  # of their own jobs
    SEEN = auto()  # of jobs that they see, too
    MODERATORS = auto()  # to the server's moderators alone: of all its jobs
    ADMINISTRATORS = auto()  # to the server's administrators alone


COMMANDS = {
    "imagine": Learns.OWN,
    "upscale": Learns.OWN,
    "edit": Learns.OWN,
    "outpaint": Learns.OWN,
    "inspect": Learns.NOTHING,
    "describe": Learns.NOTHING,
    "help": Learns.NOTHING,
    "checkpoints": Learns.SEEN,
    "loras": Learns.NOTHING,
    "styles": Learns.SEEN,
    "history": Learns.OWN,
    "favourites": Learns.SEEN,
    "show": Learns.SEEN,
    "queue": Learns.SEEN,
    "cancel": Learns.OWN,
    "settings show": Learns.OWN,
    "settings set": Learns.OWN,
    "settings reset": Learns.OWN,
    "privacy export": Learns.OWN,
    "privacy erase": Learns.OWN,
    "config show": Learns.ADMINISTRATORS,
    "config access": Learns.ADMINISTRATORS,
    "config defaults": Learns.ADMINISTRATORS,
    "config bounds": Learns.ADMINISTRATORS,
    "config quota": Learns.ADMINISTRATORS,
    "config loras": Learns.ADMINISTRATORS,
    "config safety": Learns.ADMINISTRATORS,
    "config negative": Learns.ADMINISTRATORS,
    "config reset": Learns.ADMINISTRATORS,
    "mod history": Learns.MODERATORS,
    "mod usage": Learns.MODERATORS,
    "mod block": Learns.MODERATORS,
    "mod unblock": Learns.MODERATORS,
    "mod blocks": Learns.MODERATORS,
    "mod remove": Learns.MODERATORS,
    "mod cancel": Learns.MODERATORS,
    "mod audit": Learns.MODERATORS,
    "mod filter add": Learns.MODERATORS,
    "mod filter remove": Learns.MODERATORS,
    "mod filter list": Learns.MODERATORS,
    "mod filter test": Learns.MODERATORS,
    "mod quota set": Learns.MODERATORS,
    "mod quota add": Learns.MODERATORS,
    "mod quota reset": Learns.MODERATORS,
    "mod quota show": Learns.MODERATORS,
}


MENUS = {
    "Use as source image": Learns.OWN,
    "Generation details": Learns.NOTHING,
    "Inspect generation": Learns.MODERATORS,
    "Generation history": Learns.MODERATORS,
}


AUTOCOMPLETES = {
    "imagine checkpoint": Learns.NOTHING,
    "imagine style": Learns.NOTHING,
    "imagine sampler": Learns.NOTHING,
    "imagine lora": Learns.NOTHING,
    "imagine control": Learns.NOTHING,
    "edit control": Learns.NOTHING,
    "settings set checkpoint": Learns.NOTHING,
    "settings set style": Learns.NOTHING,
    "settings set sampler": Learns.NOTHING,
    "config defaults checkpoint": Learns.NOTHING,
    "config defaults style": Learns.NOTHING,
    "config defaults sampler": Learns.NOTHING,
    "config loras lora": Learns.NOTHING,
    "cancel job": Learns.OWN,
    "mod block duration": Learns.NOTHING,
    "mod history checkpoint": Learns.NOTHING,
    "settings reset setting": Learns.NOTHING,
    "config reset setting": Learns.NOTHING,
}


EDITS = (
    "region", "zoomout", "zoomless", "customzoom", "square",
    "panleft", "panright", "panup", "pandown", "hires",
)  # fmt: skip
JOB_BUTTONS = {
    "upscale": Learns.SEEN,
    "reroll": Learns.SEEN,
    "vary": Learns.SEEN,
    "subtle": Learns.SEEN,
    "strong": Learns.SEEN,
    "remix": Learns.SEEN,
    **dict.fromkeys(EDITS, Learns.SEEN),
    "cancel": Learns.SEEN,
    "details": Learns.SEEN,
    "send": Learns.SEEN,
    "favourite": Learns.SEEN,
    "delete": Learns.SEEN,
    "erase": Learns.SEEN,
}


MOD_BUTTONS = {
    "remove": Learns.MODERATORS,
    "block": Learns.MODERATORS,
    "unveil": Learns.MODERATORS,
}


# Patterns of buttons that are known by their ids, and of forms, each with ids that fit it.
DYNAMIC = {TEMPLATE.pattern, moderation_actions.TEMPLATE.pattern, REGION.pattern}


FORMS = {
    TEMPLATE.pattern: (Learns.SEEN, ("job:{}:remix", "job:{}:customzoom:0")),
    REGION.pattern: (Learns.SEEN, ("region:{0}:0:{1}:draw", "region:{0}:0:{1}:words:7")),
    BEGUN.pattern: (Learns.OWN, ("imagine:1",)),
    SOURCE.pattern: (Learns.OWN, (f"source:{HASH}", f"source:{HASH}:private")),
    moderation_actions.TEMPLATE.pattern: (Learns.MODERATORS, ("mod:remove:{}", "mod:block:{}")),
}


# Whatever has buttons or menus while it is in memory. Everything in one is pressed where a command
# opens it.
VIEWS = {
    "OwnAlbum": Learns.SEEN,
    "CatalogBrowser": Learns.SEEN,
    "LoraBrowser": Learns.NOTHING,
    "Offer": Learns.OWN,
    "Question": Learns.OWN,
    "_Erase": Learns.OWN,
    "AccessPanel": Learns.ADMINISTRATORS,
    "History": Learns.MODERATORS,
    "Listing": Learns.MODERATORS,
}


# Never shown by themselves; the last are of the job buttons above.
PARTS_OF_VIEWS = {"PrivateView", "Pager", "Album", "ModeratorView", "Buttons"}


LAST = ("privacy erase",)  # it takes the favourites away that others have to show

"""Registers every job button, in the order in which they appear in their row."""

from bot.features.editing.actions import (
    CustomZoom,
    Hires,
    MakeSquare,
    PanDown,
    PanLeft,
    PanRight,
    PanUp,
    ZoomOut,
    ZoomOutLess,
)
from bot.features.editing.panel import EditRegion, RegionButton
from bot.features.editing.region import TEMPLATE as REGION
from bot.features.gallery.delete import Delete, DeleteForGood
from bot.features.gallery.details import Details
from bot.features.gallery.keep import Favourite, Send
from bot.features.history.job_card import Unveil
from bot.features.imagine.remix import Remix
from bot.features.imagine.variations import Reroll, Vary, VaryStrongly, VarySubtly
from bot.features.moderation.blocks import Block
from bot.features.moderation.removal import Remove
from bot.features.queue.cancel import Cancel
from bot.features.upscale.action import Upscale
from bot.ui.actions import custom_id, moderation_actions
from bot.ui.actions.job_actions import JOB_ACTIONS, JobButton
from bot.ui.actions.moderation_actions import MODERATION_ACTIONS, ModerationButton

# The handlers of clicks on lasting messages, and the buttons' ids.
BUTTONS = (JobButton, ModerationButton, RegionButton)
TEMPLATES = (custom_id.TEMPLATE, moderation_actions.TEMPLATE, REGION)

JOB_ACTIONS.register(
    Upscale(),
    Reroll(),
    Vary(),
    VarySubtly(),
    VaryStrongly(),
    Remix(),
    EditRegion(),
    ZoomOut(),
    ZoomOutLess(),
    CustomZoom(),
    MakeSquare(),
    PanLeft(),
    PanRight(),
    PanUp(),
    PanDown(),
    Hires(),
    Details(),
    Send(),
    Favourite(),
    Delete(),
    DeleteForGood(),
    Cancel(),
)
MODERATION_ACTIONS.register(Remove(), Block(), Unveil())

"""Every button on a job is registered here, in the order in which they stand in their row."""

from bot.cogs.blocks import Block
from bot.cogs.removal import Remove
from bot.ui import custom_id, moderation_actions
from bot.ui.actions.cancel import Cancel
from bot.ui.actions.delete import Delete, DeleteForGood
from bot.ui.actions.details import Details
from bot.ui.actions.keep import Favourite, Send
from bot.ui.actions.remix import Remix
from bot.ui.actions.upscale import Upscale
from bot.ui.actions.variation import Reroll, Vary, VaryStrongly, VarySubtly
from bot.ui.job_actions import JOB_ACTIONS, JobButton
from bot.ui.job_card import Unveil
from bot.ui.moderation_actions import MODERATION_ACTIONS, ModerationButton

# What discord.py hands clicks to, for as long as their message stands, and the ids of these.
BUTTONS = (JobButton, ModerationButton)
TEMPLATES = (custom_id.TEMPLATE, moderation_actions.TEMPLATE)

JOB_ACTIONS.register(
    Upscale(),
    Reroll(),
    Vary(),
    VarySubtly(),
    VaryStrongly(),
    Remix(),
    Details(),
    Send(),
    Favourite(),
    Delete(),
    DeleteForGood(),
    Cancel(),
)
MODERATION_ACTIONS.register(Remove(), Block(), Unveil())

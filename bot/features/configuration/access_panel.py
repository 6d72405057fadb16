"""The access panel: menus for the channels and roles in which pictures may be generated."""

from typing import Any, ClassVar

import discord

from bot.core.admission.configuration import Configuration, Place
from bot.core.admission.rule_store import MOST_ROLES
from bot.core.discord_limits import MENU_OPTIONS
from bot.db.records import WHOLE_SERVER
from bot.texts import say
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import check_administrator
from bot.ui.pages.rule_cards import card
from bot.ui.views import PrivateView

CHANNELS = [
    discord.ChannelType.text,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
    discord.ChannelType.news,
    discord.ChannelType.stage_voice,
]


class AccessPanel(PrivateView):
    """Menus below a place's card; each choice is saved at once and shown in the card."""

    def __init__(self, configuration: Configuration, place: Place, context: Interaction) -> None:
        super().__init__(context)
        self._configuration, self._place = configuration, place
        self._fill()

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Check again: the panel may be older than the person's permissions."""
        await super().interaction_check(interaction)
        check_administrator(interaction)
        return True

    def _fill(self) -> None:
        """Add the menus of the place, showing the effective values."""
        self.clear_items()
        if self._place.channel_id == WHOLE_SERVER:
            self.add_item(_Channels(self._configuration, self._place))
        else:
            self.add_item(_Allowed(self._configuration, self._place))
        self.add_item(_Roles(self._configuration, self._place))

    async def refresh(self, interaction: Interaction) -> None:
        """Show the effective values."""
        self._fill()
        embed = card(self._configuration, self._place)
        await interaction.response.edit_message(embed=embed, view=self)


class _Channels(discord.ui.ChannelSelect[AccessPanel]):
    def __init__(self, configuration: Configuration, place: Place) -> None:
        kind = discord.SelectDefaultValueType.channel
        chosen = configuration.open_channels(place.guild_id)[:MENU_OPTIONS]
        super().__init__(
            placeholder=say("config-pick-channels"),
            channel_types=CHANNELS,
            min_values=0,
            max_values=MENU_OPTIONS,
            default_values=[discord.SelectDefaultValue(id=one, type=kind) for one in chosen],
        )
        self._configuration, self._place = configuration, place

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Allow only these channels."""
        picked = [one.id for one in self.values]
        await self._configuration.open_only(self._place.guild_id, picked, interaction.user.id)
        if self.view is not None:
            await self.view.refresh(interaction)


class _Roles(discord.ui.RoleSelect[AccessPanel]):
    def __init__(self, configuration: Configuration, place: Place) -> None:
        kind = discord.SelectDefaultValueType.role
        chosen = configuration.said(place).allowed_roles or ()
        super().__init__(
            placeholder=say("config-pick-roles"),
            min_values=0,
            max_values=MOST_ROLES,
            default_values=[discord.SelectDefaultValue(id=one, type=kind) for one in chosen],
        )
        self._configuration, self._place = configuration, place

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Allow only these roles; selecting none resets this."""
        picked = tuple(one.id for one in self.values) or None
        await self._configuration.set(self._place, interaction.user.id, allowed_roles=picked)
        if self.view is not None:
            await self.view.refresh(interaction)


class _Allowed(discord.ui.Select[AccessPanel]):
    ANSWERS: ClassVar[dict[str, bool | None]] = {"yes": True, "no": False, "inherited": None}

    def __init__(self, configuration: Configuration, place: Place) -> None:
        now = configuration.said(place).allowed
        labels = {
            "yes": say("config-allowed-yes"),
            "no": say("config-allowed-no"),
            "inherited": say("config-allowed-inherited"),
        }
        super().__init__(
            options=[
                discord.SelectOption(label=labels[name], value=name, default=answer is now)
                for name, answer in self.ANSWERS.items()
            ]
        )
        self._configuration, self._place = configuration, place

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Allow or forbid this channel, or inherit from the server."""
        allowed = self.ANSWERS[self.values[0]]
        await self._configuration.set(self._place, interaction.user.id, allowed=allowed)
        if self.view is not None:
            await self.view.refresh(interaction)

"""/config: the rules of a server and its channels."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.admission.configuration import Configuration, Listing, Place
from bot.core.admission.rule_store import (
    ADDED_LENGTH,
    LARGEST_SIDE,
    PICTURES_PER_DAY,
    RUNNING_AT_ONCE,
    SECONDS_PER_DAY,
    Strictness,
    rule_names,
)
from bot.core.discord_limits import CHOICE_NAME_LENGTH
from bot.features.configuration.access_panel import AccessPanel
from bot.options.registry import Layer, with_defaults
from bot.texts import say
from bot.ui.autocomplete import catalog_here, matching
from bot.ui.command_places import in_servers_only
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import check_administrator
from bot.ui.option_parameters import chosen, insert, option_command, resettable
from bot.ui.pages.rule_cards import card
from generation.request import COUNT, STEPS

if TYPE_CHECKING:
    from bot.app import App

Channel = app_commands.AppCommandChannel | app_commands.AppCommandThread


def strictnesses(*offered: Strictness) -> list[app_commands.Choice[str]]:
    """Return the choices for the treatment of doubtful pictures."""
    return [app_commands.Choice(name=say(f"strictness.{one}"), value=one) for one in offered]


LISTINGS = [app_commands.Choice(name=say(f"config-loras.{one}"), value=one) for one in Listing]


async def _loras(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the LoRAs that people in this place know of, whatever its lists say."""
    here = catalog_here(interaction, ruled=False)
    return matching(here.adapter_names, current)


@app_commands.default_permissions(manage_guild=True)
@in_servers_only
class ConfigurationCog(
    commands.GroupCog, group_name="config", group_description=say("command-config")
):
    """A server's rules; every subcommand replies with the effective ones."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        defaults = option_command(
            self,
            self.defaults,
            with_defaults(Layer.PLACE),
            lambda option: say(f"preference.{option.key}"),
            {"channel": (Channel, say("config-channel"))},
            name="defaults",
            description=say("command-config-defaults"),
        )
        insert(self, defaults, before="bounds")

    async def interaction_check(self, interaction: discord.Interaction[Any]) -> bool:
        """Check in code too: a server's owner can make a command available to anybody."""
        check_administrator(interaction)
        return True

    @app_commands.command(description=say("command-config-show"))
    @app_commands.describe(channel=say("config-channel"))
    async def show(self, interaction: Interaction, channel: Channel | None = None) -> None:
        """Show the effective rules."""
        await self._answer(interaction, _place(interaction, channel))

    async def defaults(
        self,
        interaction: Interaction,
        channel: Channel | None = None,
        **given: Any,  # noqa: ANN401
    ) -> None:
        """Set the default options."""
        await self._set(interaction, channel, **given)

    @app_commands.command(description=say("command-config-bounds"))
    @app_commands.describe(
        max_steps=say("command-config-bounds.max-steps"),
        max_count=say("command-config-bounds.max-count"),
        max_side=say("command-config-bounds.max-side"),
        channel=say("config-channel"),
    )
    async def bounds(
        self,
        interaction: Interaction,
        max_steps: app_commands.Range[int, STEPS[0], STEPS[1]] | None = None,
        max_count: app_commands.Range[int, COUNT[0], COUNT[1]] | None = None,
        max_side: app_commands.Range[int, LARGEST_SIDE[0], LARGEST_SIDE[1]] | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Set limits for one job."""
        await self._set(
            interaction, channel, max_steps=max_steps, max_count=max_count, max_side=max_side
        )

    @app_commands.command(description=say("command-config-quota"))
    @app_commands.describe(
        pictures_per_day=say("command-config-quota.pictures-per-day"),
        seconds_per_day=say("command-config-quota.seconds-per-day"),
        running_at_once=say("command-config-quota.running-at-once"),
    )
    async def quota(
        self,
        interaction: Interaction,
        pictures_per_day: app_commands.Range[int, PICTURES_PER_DAY[0], PICTURES_PER_DAY[1]]
        | None = None,
        seconds_per_day: app_commands.Range[int, SECONDS_PER_DAY[0], SECONDS_PER_DAY[1]]
        | None = None,
        running_at_once: app_commands.Range[int, RUNNING_AT_ONCE[0], RUNNING_AT_ONCE[1]]
        | None = None,
    ) -> None:
        """Set each person's daily quota in the server."""
        await self._set(
            interaction,
            None,
            pictures_per_day=pictures_per_day,
            seconds_per_day=seconds_per_day,
            running_at_once=running_at_once,
        )

    @app_commands.command(description=say("command-config-access"))
    @app_commands.describe(channel=say("config-channel"))
    async def access(self, interaction: Interaction, channel: Channel | None = None) -> None:
        """Show the access panel for channels and roles."""
        place = _place(interaction, channel)
        await interaction.response.send_message(
            embed=card(self.configuration, place),
            view=AccessPanel(self.configuration, place, interaction),
            ephemeral=True,
        )

    @app_commands.command(description=say("command-config-loras"))
    @app_commands.choices(action=LISTINGS)
    @app_commands.autocomplete(lora=_loras)
    @app_commands.describe(
        action=say("command-config-loras.action"),
        lora=say("command-config-loras.lora"),
        channel=say("config-channel"),
    )
    async def loras(
        self,
        interaction: Interaction,
        action: str,
        lora: app_commands.Range[str, 1, CHOICE_NAME_LENGTH],
        channel: Channel | None = None,
    ) -> None:
        """Allow or forbid a LoRA, or take it off the lists."""
        place = _place(interaction, channel)
        await self.configuration.list_lora(place, interaction.user.id, Listing(action), lora)
        await self._answer(interaction, place)

    @app_commands.command(description=say("command-config-safety"))
    @app_commands.describe(
        age_restricted=say("command-config-safety.age-restricted"),
        elsewhere=say("command-config-safety.elsewhere"),
        spoiler_above=say("command-config-safety.spoiler-above"),
        refuse_above=say("command-config-safety.refuse-above"),
        keep_refused=say("command-config-safety.keep-refused"),
        channel=say("config-channel"),
    )
    @app_commands.choices(
        age_restricted=strictnesses(*Strictness),
        elsewhere=strictnesses(Strictness.SPOILER, Strictness.REFUSE),
    )
    async def safety(
        self,
        interaction: Interaction,
        age_restricted: str | None = None,
        elsewhere: str | None = None,
        spoiler_above: app_commands.Range[float, 0.0, 1.0] | None = None,
        refuse_above: app_commands.Range[float, 0.0, 1.0] | None = None,
        keep_refused: bool | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Set how doubtful pictures are treated."""
        await self._set(
            interaction,
            channel,
            age_restricted=age_restricted,
            elsewhere=elsewhere,
            spoiler_above=spoiler_above,
            refuse_above=refuse_above,
            keep_refused=keep_refused,
        )

    @app_commands.command(description=say("command-config-negative"))
    @app_commands.describe(text=say("command-config-negative.text"), channel=say("config-channel"))
    async def negative(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, ADDED_LENGTH],
        channel: Channel | None = None,
    ) -> None:
        """Set the negative prompt that is always added."""
        await self._set(interaction, channel, negative_prompt=text.strip())

    @app_commands.command(description=say("command-config-reset"))
    @app_commands.describe(
        setting=say("command-config-reset.setting"), channel=say("config-channel")
    )
    @app_commands.autocomplete(setting=resettable(rule_names))
    async def reset(
        self,
        interaction: Interaction,
        setting: str,
        channel: Channel | None = None,
    ) -> None:
        """Reset a place's rules to the inherited values."""
        place = _place(interaction, channel)
        fields = chosen(setting, rule_names())
        await self.configuration.set(place, interaction.user.id, **dict.fromkeys(fields))
        await self._answer(interaction, place)

    async def _set(
        self,
        interaction: Interaction,
        channel: Channel | None,
        **given: object,
    ) -> None:
        """Save the given values; without any, only show the effective ones."""
        place = _place(interaction, channel)
        changes = {field: value for field, value in given.items() if value is not None}
        if changes:
            await self.configuration.set(place, interaction.user.id, **changes)
        await self._answer(interaction, place)

    async def _answer(self, interaction: Interaction, place: Place) -> None:
        await interaction.response.send_message(
            embed=card(self.configuration, place), ephemeral=True
        )


def _place(interaction: Interaction, channel: Channel | None) -> Place:
    guild_id = interaction.guild_id or 0
    if channel is None:
        return Place(guild_id)
    around = channel.parent_id if isinstance(channel, app_commands.AppCommandThread) else None
    return Place(guild_id, channel.id, around)


def setup(app: "App") -> None:
    """Add the commands that set a server's rules."""
    app.add_cog(ConfigurationCog(Configuration(app.rules, app.catalog)))

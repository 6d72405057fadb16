"""/mod quota: allowances for people and roles on top of the server's quota."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.core.admission.admission import Stage
from bot.core.admission.rule_store import PICTURES_PER_DAY
from bot.core.quotas.allowance_store import MOST_EXTRA, AllowanceStore
from bot.core.quotas.quotas import Quotas
from bot.core.quotas.spending_store import SpendingStore
from bot.db.records import Allowance, Holder
from bot.features.quotas.granting import Granting
from bot.texts import say
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import check_moderator, role_ids_of
from bot.ui.pages.rule_cards import allowance_lines, standing_line

if TYPE_CHECKING:
    from bot.app import App

Who = discord.Member | discord.User | discord.Role


class QuotaGroup(app_commands.Group):
    """A subgroup of /mod; each command replies with the holder's allowance."""

    def __init__(self, granting: Granting) -> None:
        super().__init__(name="quota", description=say("command-mod-quota"))
        self.granting = granting

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Check in code too: discord.py calls the outer group's check only for its own commands."""
        check_moderator(interaction)
        return True

    @app_commands.command(name="set", description=say("command-mod-quota-set"))
    @app_commands.describe(
        who=say("command-mod-quota.who"),
        pictures_per_day=say("command-mod-quota-set.pictures-per-day"),
    )
    async def set_(
        self,
        interaction: Interaction,
        who: Who,
        pictures_per_day: app_commands.Range[int, PICTURES_PER_DAY[0], PICTURES_PER_DAY[1]]
        | None = None,
    ) -> None:
        """Set the holder's own daily number, or reset it to the server's."""
        held = await self.granting.set_daily(
            _holder(interaction, who), interaction.user.id, pictures_per_day
        )
        await self._answer(interaction, who, held)

    @app_commands.command(description=say("command-mod-quota-add"))
    @app_commands.describe(
        who=say("command-mod-quota.who"), pictures=say("command-mod-quota-add.pictures")
    )
    async def add(
        self,
        interaction: Interaction,
        who: Who,
        pictures: app_commands.Range[int, 1, MOST_EXTRA],
    ) -> None:
        """Grant extra pictures for today."""
        held = await self.granting.add_today(
            _holder(interaction, who), interaction.user.id, pictures, interaction.created_at
        )
        await self._answer(interaction, who, held)

    @app_commands.command(description=say("command-mod-quota-reset"))
    @app_commands.describe(who=say("command-mod-quota.who"))
    async def reset(self, interaction: Interaction, who: Who) -> None:
        """Start counting anew from now."""
        held = await self.granting.count_anew(
            _holder(interaction, who), interaction.user.id, interaction.created_at
        )
        await self._answer(interaction, who, held)

    @app_commands.command(description=say("command-mod-quota-show"))
    @app_commands.describe(who=say("command-mod-quota.who"))
    async def show(self, interaction: Interaction, who: Who) -> None:
        """Show the holder's allowance."""
        await self._answer(interaction, who, self.granting.held(_holder(interaction, who)))

    async def _answer(self, interaction: Interaction, who: Who, held: Allowance) -> None:
        lines = [f"**{who.mention}**", *allowance_lines(held, interaction.created_at.date())]
        if not isinstance(who, discord.Role):
            quota_status = await self.granting.quota_status(
                who.id, held.guild_id, role_ids_of(who), interaction.created_at
            )
            lines.append(standing_line(quota_status))
        await interaction.response.send_message("\n".join(lines), ephemeral=True)


def _holder(interaction: Interaction, who: Who) -> Allowance:
    """Return an allowance that grants nothing yet."""
    holder = Holder.ROLE if isinstance(who, discord.Role) else Holder.PERSON
    return Allowance(guild_id=interaction.guild_id or 0, holder=holder, holder_id=who.id)


def setup(app: "App") -> None:
    """Add the commands, and the quota check."""
    allowances, spending = AllowanceStore(app.database), SpendingStore(app.database)
    app.loads.append(allowances.load)
    app.personal_data += [allowances, spending]
    quotas = Quotas(
        jobs=app.job_store,
        spending=spending,
        rules=app.rules,
        allowances=allowances,
        limits=app.limits,
    )
    app.provide(quotas)
    app.admission.add(Stage.QUOTA, quotas.check)
    app.add_mod_commands(QuotaGroup(Granting(allowances, quotas)))

"""The panel of things that go wrong."""

import pytest
from playwright.async_api import expect

from playground import Playground
from playground.people.mishaps import Mishaps
from playground.people.people import NotPossible
from playground.world.permissions import Permission
from tests.browser import opened


def names(mishaps: Mishaps, playground: Playground, channel: str = "darkroom") -> list[str]:
    groups = mishaps.offered(playground.world.channel(channel))
    return [button["name"] for group in groups for button in group["buttons"]]


async def test_everything_that_is_offered_happens(playground: Playground):
    mishaps = Mishaps(playground)
    channel = playground.world.channel("darkroom")
    before = playground.clock.now()
    for name in names(mishaps, playground):
        assert mishaps.happen(name, channel).endswith(".")
        channel = playground.world.channels.get(channel.id, channel)
    assert playground.clock.now() - before >= 900
    assert [fault.status for fault in playground.faults.waiting][-2:] == [500, 429]
    assert playground.state.attachment_size_limit < 4096
    assert "darkroom" not in {one.name for one in playground.world.channels.values()}
    assert not playground.world.bot_is_member

    assert names(mishaps, playground, "general")[-1] == "invite"
    mishaps.happen("invite", playground.world.channel("general"))
    assert playground.world.bot_is_member
    mishaps.happen("take_large", playground.world.channel("general"))
    assert playground.state.attachment_size_limit == 10 << 20
    with pytest.raises(NotPossible):
        mishaps.happen("invite", playground.world.channel("general"))


async def test_a_permission_comes_and_goes_and_the_last_channel_stays(playground: Playground):
    mishaps, world = Mishaps(playground), playground.world

    def may_attach() -> bool:
        mine = world.permissions(world.bot, world.channel("darkroom"))
        return bool(mine & Permission.ATTACH_FILES)

    mishaps.happen("forbid_files", world.channel("darkroom"))
    assert not may_attach()
    assert "allow_files" in names(mishaps, playground)
    mishaps.happen("allow_files", world.channel("darkroom"))
    assert may_attach()
    for name in ("general", "showcase", "after-dark"):
        mishaps.happen("delete_channel", world.channel(name))
    with pytest.raises(NotPossible, match="last channel"):
        mishaps.happen("delete_channel", world.channel("darkroom"))


async def test_direct_messages_have_no_places_to_lose(playground: Playground):
    groups = Mishaps(playground).offered(playground.open_direct_messages("mia"))
    assert [group["title"] for group in groups] == ["Connection", "Answers"]


@pytest.mark.browser
async def test_the_panel_at_the_keyboard(playground: Playground, small_bot):
    async with opened(playground.url) as page:
        await expect(page.locator("#banner")).to_be_hidden()
        toggle = page.locator("#mishaps summary")
        said = page.locator("#mishaps").get_by_role("status")
        await toggle.focus()
        await page.keyboard.press("Enter")
        drop = page.get_by_role("button", name="Drop the socket")
        await expect(drop).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(drop).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(said).to_have_text("The bot's socket was cut.")
        await playground.wait_for(lambda: playground.gateway.resumes == 1, what="a RESUME")

        await page.get_by_role("button", name="Take Attach Files away").press("Enter")
        await expect(said).to_have_text("The bot may attach no files in #darkroom.")
        await page.get_by_role("button", name="Give Attach Files back").click()
        await page.get_by_role("button", name="Fail the next edit (500)").click()
        await expect(said).to_have_text("The next edit will fail.")
        assert len(playground.faults.waiting) == 1

        await page.get_by_role("button", name="Delete this channel").click()
        await expect(page.locator("#topbar-name")).to_have_text("general")
        await page.get_by_role("button", name="Remove the bot").click()
        await page.get_by_role("button", name="Invite the bot back").click()
        await expect(page.get_by_role("button", name="Remove the bot")).to_be_visible()
        await page.get_by_role("button", name="Drop the socket").focus()
        await page.keyboard.press("Escape")
        await expect(toggle).to_be_focused()
        await expect(drop).to_be_hidden()

"""Blocks, and until when they hold."""

from datetime import UTC, datetime, timedelta

from bot.core.audit_store import AuditStore, NewAuditEntry
from bot.db.database import Database
from bot.db.records import EVERYWHERE
from bot.features.moderation.block_store import BlockStore

HERE, ELSEWHERE = 1, 2
MIA, MORGAN = 5, 6
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def audit_entry(guild_id: int = HERE, person_id: int = MIA) -> NewAuditEntry:
    return NewAuditEntry(
        guild_id=guild_id, moderator_id=MORGAN, action="block", detail="", person_id=person_id
    )


async def test_a_block_holds_in_its_server_until_it_ends(database: Database):
    blocks = BlockStore(database)
    end = NOON + timedelta(hours=1)
    block = await blocks.add(audit_entry(), reason="spam", until=end)
    assert blocks.holding(MIA, HERE, NOON) == block
    assert (block.by_id, block.reason, block.until) == (MORGAN, "spam", end)
    assert blocks.holding(MIA, ELSEWHERE, NOON) is None
    assert blocks.holding(MIA, None, NOON) is None
    assert blocks.holding(MORGAN, HERE, NOON) is None
    assert blocks.holding(MIA, HERE, end) is None


async def test_everywhere_holds_in_direct_messages_too_and_the_longest_is_told(database: Database):
    blocks = BlockStore(database)
    await blocks.add(audit_entry(), reason="short", until=NOON + timedelta(hours=1))
    everywhere = await blocks.add(audit_entry(EVERYWHERE), reason="long", until=None)
    for guild_id in (HERE, ELSEWHERE, None):
        assert blocks.holding(MIA, guild_id, NOON) == everywhere
    assert [block.reason for block in await blocks.page(HERE, NOON, before=None, limit=9)] == [
        "short"
    ]


async def test_a_new_block_replaces_the_old_and_lifting_ends_it(database: Database):
    blocks = BlockStore(database)
    await blocks.add(audit_entry(), reason="old", until=None)
    new = await blocks.add(audit_entry(), reason="new", until=None)
    assert await blocks.page(HERE, NOON, before=None, limit=9) == [new]
    assert not await blocks.lift(audit_entry(ELSEWHERE), NOON)
    assert await blocks.lift(audit_entry(), NOON)
    assert not await blocks.lift(audit_entry(), NOON)
    assert blocks.holding(MIA, HERE, NOON) is None
    assert len(await blocks.of_person(MIA)) == 2
    assert len(await AuditStore(database).page(HERE, before=None, limit=9)) == 3


async def test_pages_go_from_new_to_old(database: Database):
    blocks = BlockStore(database)
    made = [await blocks.add(audit_entry(person_id=n), reason="", until=None) for n in range(1, 6)]
    first = await blocks.page(HERE, NOON, before=None, limit=2)
    assert [block.person_id for block in first] == [5, 4]
    rest = await blocks.page(HERE, NOON, before=first[-1].id, limit=9)
    assert rest == made[2::-1]


async def test_what_an_earlier_run_wrote_holds(database: Database):
    earlier = BlockStore(database)
    await earlier.add(audit_entry(), reason="old", until=None)
    await earlier.lift(audit_entry(), NOON)
    await earlier.add(audit_entry(person_id=MORGAN), reason="spam", until=None)
    blocks = BlockStore(database)
    await blocks.load()
    held = blocks.holding(MORGAN, HERE, NOON)
    assert held is not None
    assert held.reason == "spam"
    assert blocks.holding(MIA, HERE, NOON) is None

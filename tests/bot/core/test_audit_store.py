"""The audit trail."""

import pytest
from sqlalchemy.exc import IntegrityError

from bot.core.audit_store import AuditStore, NewAuditEntry
from bot.db.database import Database
from tests.bot.rows import execute

HERE, ELSEWHERE = 1, 2


async def test_a_server_sees_its_own_newest_first_in_pages(database: Database):
    audit = AuditStore(database)
    for guild_id, person_id in ((HERE, 7), (ELSEWHERE, 7), (HERE, 8), (HERE, 7)):
        entry = NewAuditEntry(
            guild_id=guild_id, moderator_id=5, action="a", detail="d", person_id=person_id
        )
        await audit.add(entry)
    first = await audit.page(HERE, before=None, limit=2)
    assert [entry.id for entry in first] == [4, 3]
    assert [entry.id for entry in await audit.page(HERE, before=3, limit=2)] == [1]
    mine = await audit.page(HERE, before=None, limit=9, person_id=7)
    assert [entry.id for entry in mine] == [4, 1]


@pytest.mark.parametrize("change", ["UPDATE audit SET detail = ''", "DELETE FROM audit"])
async def test_nobody_can_change_it(database: Database, change: str):
    await AuditStore(database).add(
        NewAuditEntry(guild_id=1, moderator_id=5, action="a", detail="kept")
    )
    with pytest.raises(IntegrityError, match="cannot be changed"):
        await execute(database, change)
    (entry,) = await AuditStore(database).page(1, before=None, limit=1)
    assert entry.detail == "kept"


async def test_a_word_finds_what_begins_with_it(database: Database):
    audit = AuditStore(database)
    for action in ("quota", "quota set", "quotas", "filter add", "block"):  # some of other releases
        await audit.add(NewAuditEntry(guild_id=1, moderator_id=5, action=action, detail=""))
    found = await audit.page(1, before=None, limit=9, action="quota")
    assert [entry.action for entry in found] == ["quota set", "quota"]

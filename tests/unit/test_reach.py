"""What is known of the server is never what an attempt of long ago found out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from main.database.address import Address
from main.database.reach import Reach
from main.errors import DatabaseUnreachable


@dataclass
class Server:
    """One that is up or not, and counts who tries it."""

    up: bool = False
    tried: int = 0

    async def attempt(self) -> None:
        self.tried += 1
        if not self.up:
            raise ConnectionRefusedError("refused")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def reach(server: Server) -> AsyncIterator[Reach]:
    made = Reach(Address("localhost", 5432, "ai_trader", "me"), server.attempt)
    yield made
    await made.close()


async def test_a_server_lost_again_before_the_search_for_it_has_ended_is_tried_anew(
    server: Server, reach: Reach
) -> None:
    reach.lost(ConnectionResetError("lost"))
    await asyncio.sleep(0.02)  # its first attempts have failed; it pauses
    server.up = True
    await reach.prove()
    await reach.require()
    assert reach.reachable is True
    server.up = False
    reach.lost(ConnectionResetError("lost"))
    with pytest.raises(DatabaseUnreachable, match="lost"):
        await reach.require()
    assert reach.reachable is False


async def test_who_waits_for_an_attempt_that_is_called_off_hears_that_the_server_is_not_there(
    server: Server,
) -> None:
    never = Reach(Address("localhost", 5432, "ai_trader", "me"), asyncio.Event().wait)  # type: ignore[arg-type]
    waiting = asyncio.create_task(never.prove())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await never.close()
    with pytest.raises(DatabaseUnreachable, match="pool is being closed"):
        await waiting

"""Who was told the version before gets the tail; everybody else, and who missed one, gets the whole."""

import asyncio
import json
import time
from typing import Any

from main.domain.scope import Scope
from main.monitoring.api.mailbox import QUIET_SECONDS, Mailbox, Messages
from main.monitoring.api.pictures import Picture
from main.monitoring.read import State

FRESH = b'"freshness":{},"error":null'


class Watched(Mailbox):
    """A mailbox that tells a test when it has something to tell."""

    def __init__(self, pace: float, viewers: int, messages: Messages) -> None:
        self.woken = asyncio.Event()
        super().__init__(pace, messages, self.woken.set, lambda: viewers)

    async def wait(self) -> None:
        await self.woken.wait()
        self.woken.clear()


def given(pace: float = 0.0, viewers: int = 1, messages: Messages | None = None) -> Watched:
    return Watched(pace, viewers, messages or Messages())


def shown(version: int = 1, panel: str = "p") -> Picture:
    """A picture of one version, with a tail from the one before."""
    return Picture(panel, Scope(), b'"children":"%d"' % version, b'{"children":["%d"]}' % version, FRESH, version)


def become(picture: Picture, version: int) -> None:
    picture.content, picture.tail = shown(version).content, shown(version).tail
    picture.version = version


def told(mailbox: Mailbox, picture: Picture, moment: float, *, content: bool = True) -> dict[str, Any]:
    """What the page is told of a picture that changed."""
    mailbox.put(picture, content, moment)
    panels: dict[str, dict[str, Any]] = json.loads(mailbox.message(mailbox.news(moment)).payload)["panels"]
    return panels[picture.panel]


async def test_the_first_version_is_whole_and_the_next_a_tail() -> None:
    mailbox, picture = given(0.0), shown()
    assert "tail" not in (first := told(mailbox, picture, 1.0))
    assert first["children"] == "1"
    become(picture, 2)
    second = told(mailbox, picture, 2.0)
    assert (second["from"], second["tail"], second["version"]) == (1, {"children": ["2"]}, 2)
    assert "children" not in second


async def test_who_missed_a_version_gets_the_whole_and_then_tails_again() -> None:
    mailbox, picture = given(0.0), shown()
    told(mailbox, picture, 1.0)
    become(picture, 3)
    assert told(mailbox, picture, 2.0)["children"] == "3"
    become(picture, 4)
    assert told(mailbox, picture, 3.0)["from"] == 3


async def test_what_is_only_as_fresh_as_before_has_neither_and_counts_as_no_version() -> None:
    mailbox, picture = given(0.0), shown()
    told(mailbox, picture, 1.0)
    assert told(mailbox, picture, 2.0, content=False).keys() == {"version", "freshness", "error"}
    become(picture, 2)
    assert told(mailbox, picture, 3.0)["from"] == 1


async def test_another_picture_of_the_panel_and_one_that_was_forgotten_are_whole() -> None:
    mailbox, picture = given(0.0), shown()
    told(mailbox, picture, 1.0)
    assert told(mailbox, shown(2), 2.0)["children"] == "2"
    mailbox.forget("p")
    assert told(mailbox, shown(3), 3.0)["children"] == "3"


async def test_two_changes_between_two_messages_are_one_and_their_content_is_not_lost() -> None:
    mailbox, picture = given(0.0), shown()
    mailbox.put(picture, True, 0.9)
    assert told(mailbox, picture, 1.0, content=False)["children"] == "1"
    assert mailbox.news(2.0) == {}


async def test_with_a_pace_news_wait_and_trouble_does_not() -> None:
    mailbox, picture, quiet = given(60.0), shown(), shown(panel="q")
    mailbox.settled = 0.0
    told(mailbox, picture, 100.0)
    told(mailbox, quiet, 160.0)
    become(picture, 2)
    become(quiet, 2)
    mailbox.put(quiet, True, 160.5)
    mailbox.put(picture, True, 160.5)
    assert mailbox.news(161.0) == {}
    picture.state = State.SILENT
    mailbox.put(picture, False, 161.5)
    assert mailbox.news(162.0) == {"p": (picture, True)}
    assert mailbox.news(221.0) == {"q": (quiet, True)}


async def waited(mailbox: Watched) -> float:
    """The seconds until there is something to tell."""
    began = time.monotonic()
    await asyncio.wait_for(mailbox.wait(), 10)
    return time.monotonic() - began


async def test_what_is_only_as_fresh_as_before_waits_for_news_but_not_for_long() -> None:
    mailbox, picture, other = given(0.0), shown(), shown(panel="q")
    mailbox.settled = 0.0
    began = time.monotonic()
    told(mailbox, picture, began - 1)
    told(mailbox, other, began)
    await mailbox.wait()  # they were told without waiting
    mailbox.put(picture, False, began)
    assert await waited(mailbox) >= 0.9 * QUIET_SECONDS
    become(other, 2)
    mailbox.put(other, True, time.monotonic())
    assert mailbox.news(time.monotonic()) == {"p": (picture, False), "q": (other, True)}


async def test_the_more_look_the_longer_a_change_waits_for_others() -> None:
    alone, crowd = given(0.0), given(0.0, 200)
    for mailbox in (alone, crowd):
        mailbox.put(shown(), True, time.monotonic())
    await alone.wait()
    assert await waited(crowd) > 0.01


async def test_what_two_pages_are_told_at_once_is_written_once() -> None:
    messages, picture = Messages(), shown()
    one, other, late = (given(messages=messages) for _ in range(3))
    texts = []
    for mailbox in (one, other):
        mailbox.put(picture, True, 1.0)
        texts.append(mailbox.message(mailbox.news(1.0)))
    assert texts[0] is texts[1]
    become(picture, 2)
    for mailbox in (one, late):
        mailbox.put(picture, True, 2.0)
    assert b"tail" in one.message(one.news(2.0)).payload
    assert b"tail" not in late.message(late.news(2.0)).payload

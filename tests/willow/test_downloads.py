"""Attachments: handed on as they arrive, and never taken for whole when they are not."""

import asyncio

import orjson
import pytest

from streams.willow import Forbidden, NoAnswer, NotFound, NotSent, NotSentReason, WillowClient
from tests.willow.test_client_traps import against, breaks_off, drips, is_silent, response, says


async def whole(client: WillowClient) -> bytes:
    async with client.tickets.attachment("T1", "A1") as attachment:
        return b"".join([chunk async for chunk in attachment.chunks()])


async def large(writer: asyncio.StreamWriter) -> None:
    writer.write(response(200, b"", length=64 << 20))
    for _ in range(64):
        writer.write(b"x" * (1 << 20))
        await writer.drain()


async def test_a_body_that_is_larger_than_any_other_answer_may_be() -> None:
    async with against(large) as (_, client):
        received = 0
        async with client.tickets.attachment("T1", "A1") as attachment:
            async for chunk in attachment.chunks():
                received += len(chunk)

        assert received == attachment.size == 64 << 20


async def test_what_is_not_read_gives_its_connection_back() -> None:
    async with against(large, max_connections=1) as (server, client):
        for _ in range(3):
            async with client.tickets.attachment("T1", "A1") as attachment:
                assert await anext(attachment.chunks())

        assert len(server.arrived) == 3


async def test_an_open_attachment_holds_a_connection_and_others_are_told_so() -> None:
    async with against(large, timeout=0.3, max_connections=1) as (_, client):
        async with client.tickets.attachment("T1", "A1"):
            with pytest.raises(NotSent) as refused:
                await client.get_ticket("T1")

        assert refused.value.reason is NotSentReason.BUSY


async def test_a_body_that_breaks_off_is_no_answer() -> None:
    async with against(breaks_off) as (_, client):
        with pytest.raises(NoAnswer) as broken:
            await whole(client)

        assert (broken.value.status, broken.value.path) == (201, "/tickets/T1/attachments/A1")


async def test_a_piece_that_does_not_come_is_no_answer() -> None:
    async def stops(writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, b"abc", length=10))
        await asyncio.sleep(30)

    async with against(stops, timeout=0.3) as (_, client):
        with pytest.raises(NoAnswer, match="after 3 bytes"):
            await whole(client)


async def test_a_body_may_take_longer_than_the_time_out_as_long_as_it_comes() -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, b"", length=8))
        for _ in range(8):
            await asyncio.sleep(0.1)
            writer.write(b"x")

    async with against(slowly, timeout=0.5) as (_, client):
        assert await whole(client) == b"x" * 8


async def test_headers_that_do_not_come_are_no_answer() -> None:
    async with against(is_silent, timeout=0.3) as (_, client):
        with pytest.raises(NoAnswer, match="no whole answer"):
            await whole(client)


async def test_a_token_that_is_too_old_is_renewed_once() -> None:
    async with against(says(401), says(200, b"abc")) as (server, client):
        assert await whole(client) == b"abc"
        assert len(server.arrived) == 2


async def test_a_refusal_is_read_whole() -> None:
    problem = orjson.dumps({"title": "Not Found", "detail": "no such attachment", "status": 404})
    async with against(says(404, problem, "X-Request-Id: R-7")) as (_, client):
        with pytest.raises(NotFound) as refused:
            await whole(client)

        assert (refused.value.words, refused.value.request_id) == ("Not Found; no such attachment", "R-7")


async def test_a_refusal_whose_body_drips_is_a_refusal() -> None:
    async with against(drips(403), timeout=0.3) as (_, client):
        with pytest.raises(Forbidden):
            await whole(client)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('Content-Disposition: attachment; filename="a b.jpg"', "a b.jpg"),
        ("Content-Disposition: attachment; filename*=UTF-8''L%C3%BCfter.jpg", "Lüfter.jpg"),
        ('Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        ('Content-Disposition: attachment; filename="C:\\\\x\\\\y.jpg"', "y.jpg"),
        ("Content-Disposition: inline", None),
        ("X-Nothing: 1", None),
    ],
)
async def test_the_name_is_a_name_and_no_path(header: str, name: str | None) -> None:
    async with against(says(200, b"abc", header)) as (_, client), client.tickets.attachment("T1", "A1") as attachment:
        assert (attachment.name, attachment.size) == (name, 3)

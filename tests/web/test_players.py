"""Who watches, and ending that; what the process uses."""

from support.readings import bridge_reading, process_reading
from support.web_bench import OPEN, FakeView, running_server

PLAYERS = "/api/v1/players"


async def test_players_are_listed_in_the_order_they_came() -> None:
    async with running_server(FakeView(bridge_reading(cameras=3, players=7)), OPEN) as bridge:
        told = (await bridge.json(PLAYERS))["players"]
    assert [player["number"] for player in told] == [1, 2, 3, 4, 5, 6, 7]
    assert told[0]["path"] == "/cam1/main"


async def test_a_player_that_was_ended_is_gone_from_the_next_list() -> None:
    async with running_server(FakeView(bridge_reading(1, 2)), OPEN) as bridge:
        assert len((await bridge.json(PLAYERS))["players"]) == 2

        def kick(number: int) -> bool:
            bridge.view.kicked.append(number)
            bridge.view.reading = bridge_reading(1, 1)
            return True

        bridge.view.act(kick=kick)
        assert await bridge.status(f"{PLAYERS}/2", "DELETE") == 204
        assert len((await bridge.json(PLAYERS))["players"]) == 1, "no answer of a moment ago"
        assert await bridge.status(f"{PLAYERS}/2", "DELETE") == 404
        assert bridge.view.kicked == [2]


async def test_a_player_that_left_just_before_is_not_found() -> None:
    async with running_server(FakeView(bridge_reading(1, 2)), OPEN) as bridge:
        bridge.view.act(kick=lambda _: False)
        assert await bridge.status(f"{PLAYERS}/2", "DELETE") == 404


async def test_what_was_refused_is_told_by_reason() -> None:
    view = FakeView(bridge_reading(process=process_reading(refused={"http_bad_request": 3})))
    async with running_server(view, OPEN) as bridge:
        assert (await bridge.json("/api/v1/process"))["refused"] == {"http_bad_request": 3}
        async with bridge.client.get("/metrics") as answer:
            assert 'neolink_refused_total{reason="http_bad_request"} 3' in await answer.text()

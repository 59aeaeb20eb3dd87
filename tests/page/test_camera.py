"""The page of one camera, but for what plays: its words, tables, graphs and buttons."""

from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from neolink.camera.status import CameraState
from neolink.media.tracks import StreamKind
from neolink.readings import CameraReading, Transport
from support.page_bench import Serve, camera, every_state, show, view_of
from support.readings import player_reading
from support.web_bench import FakeLine

pytestmark = [pytest.mark.foreign, pytest.mark.alone]


def watched() -> CameraReading:
    """Make a camera that two players watch, one of whom is behind."""
    players = (
        player_reading(7, agent="VLC/3.0.18 LibVLC/3.0.18", units_dropped=3),
        player_reading(
            8,
            transport=Transport.UDP,
            agent="Lavf59.27.100",
            user=None,
            address="198.51.100.4:50000",
            queued_units=12,
            queued_bytes=400_000,
            queue_delay_s=0.48,
            loss=0.012,
            jitter_s=0.004,
        ),
    )
    porch = camera("porch")
    main, sub = porch.streams
    return replace(porch, streams=(replace(main, players=players), sub))


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=name)


def test_health_is_told_with_its_reason_and_what_is_done(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go("#/camera/garage")
    health = card(page, "Health")
    expect(health).to_contain_text("offline since")
    expect(health).to_contain_text("no route to host")
    expect(health.locator("code")).to_have_text("address")
    expect(health).to_contain_text("trying again in")
    expect(page.locator(".picture .note")).to_contain_text("offline since")


def test_what_is_known_of_camera_and_stream_is_listed(serve: Serve) -> None:
    page = serve(view_of(watched())).go("#/camera/porch")
    facts = card(page, "Camera")
    for words in (
        "RLC-810A, v3.1.0.956",
        "connected since",
        "2 timeout, 1 closed by camera",
        "H.265 2560 \N{MULTIPLICATION SIGN} 1440",
        "AAC 16 kHz",
        "every 2 s",
        "12 ms late",
        "3.6 GB in 90001 pictures",
    ):
        expect(facts).to_contain_text(words)


def test_addresses_are_copied(serve: Serve) -> None:
    page = serve(view_of(camera("porch"))).go("#/camera/porch")
    page.get_by_role("button", name="Copy the address of sub").click()
    expect(card(page, "For other players").get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "rtsp://127.0.0.1:8554/porch/sub"


def test_sessions_show_transport_queue_and_loss(serve: Serve) -> None:
    page = serve(view_of(watched())).go("#/camera/porch")
    for words in ("VLC 3.0.18", "me, 192.0.2.200:51000", "TCP", "nothing", "3 pictures", "120 MB"):
        expect(row(page, "VLC")).to_contain_text(words)
    for words in ("Lavf59", "UDP", "480 ms, 400 kB", "1.2 % of packets, 4 ms jitter"):
        expect(row(page, "Lavf59")).to_contain_text(words)


def test_a_session_is_ended_only_after_a_question(serve: Serve) -> None:
    served = serve(view_of(watched()))
    page = served.go("#/camera/porch")
    button = page.get_by_role("button", name="End the session of VLC 3.0.18")
    button.click()
    dialog = page.get_by_role("dialog", name="End the session of VLC 3.0.18?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    assert served.view.kicked == []
    button.click()
    dialog.get_by_role("button", name="End session").click()
    expect(card(page, "Sessions")).to_contain_text("The session of VLC 3.0.18 was ended.")
    assert served.view.kicked == [7]


def test_log_lines_come_by_themselves_the_newest_first(serve: Serve) -> None:
    served = serve(view_of(camera("porch"), camera("garden")))
    page = served.go("#/camera/porch")
    lines = card(page, "Log").get_by_role("listitem")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("warning main: fell silent")
    page.wait_for_timeout(1100)  # lines are told that were written after the page came
    unix_s = served.background.call(served.running.server.context.clock.unix_s)
    served.view.log["garden"].append(FakeLine(unix_s, "of another camera"))
    served.view.log["porch"].append(FakeLine(unix_s, "the camera was lost", "ERROR"))
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("error the camera was lost")


def test_graphs_show_five_minutes(serve: Serve) -> None:
    page = serve(view_of(camera("porch"))).go("#/camera/porch")
    for label in ("Frame rate: now 24.", "Bitrate: now 5.5 Mbit/s", "Longest gap", "Queue"):
        expect(page.get_by_role("img", name=label)).to_be_visible()
    box = page.locator(".chart-line").first.bounding_box()
    plot = page.locator(".chart-plot").first.bounding_box()
    assert box is not None
    assert plot is not None
    assert box["width"] > 0.98 * plot["width"]
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + 20)
    expect(page.locator(".chart-moment").first).to_contain_text(":15:48")


def test_streams_are_switched_by_link_and_key(serve: Serve) -> None:
    page = serve(view_of(camera("porch"))).go("#/camera/porch")
    streams = page.get_by_role("navigation", name="Streams")
    expect(streams.get_by_role("link", name="Main")).to_have_attribute("aria-current", "true")
    streams.get_by_role("link", name="Sub").click()
    expect(page.locator(".stage-facts")).to_contain_text("640 \N{MULTIPLICATION SIGN} 360")
    expect(card(page, "Last five minutes")).to_contain_text("Sub stream")
    page.keyboard.press("1")
    expect(page.locator(".stage-facts")).to_contain_text("2560 \N{MULTIPLICATION SIGN} 1440")
    expect(page).to_have_url(f"{page.url.split('#', maxsplit=1)[0]}#/camera/porch/main")


def test_keys_turn_to_the_next_camera_and_back(serve: Serve) -> None:
    page = serve(view_of(camera("porch"), camera("gar den/1"))).go("#/camera/porch")
    expect(page.get_by_role("heading", name="porch", level=1)).to_be_focused()
    expect(card(page, "Health")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="gar den/1", level=1)).to_be_focused()
    expect(page).to_have_title("gar den/1 \N{EN DASH} neolink")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="porch", level=1)).to_be_focused()


def test_a_picture_is_saved_under_the_cameras_name(serve: Serve) -> None:
    page = serve(view_of(camera("porch"))).go("#/camera/porch")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename.startswith("porch 20")
    assert download.value.path().read_bytes()[:2] == b"\xff\xd8"
    expect(page.locator(".stage-said")).to_contain_text("Saved porch 20")


def test_a_picture_that_cannot_be_had_is_explained(serve: Serve) -> None:
    served = serve(view_of(camera("porch")))
    served.view.jpeg = None
    page = served.go("#/camera/porch")
    page.get_by_role("button", name="Save picture").click()
    expect(page.locator(".stage-said")).to_contain_text("No picture was saved: no picture:")
    served.complaints.expect("503")


def test_an_unknown_camera_is_explained_until_it_comes(serve: Serve) -> None:
    served = serve(view_of(camera("porch")))
    page = served.go("#/camera/garden")
    expect(page.get_by_role("heading", name="No such camera")).to_be_visible()
    show(served.view, camera("porch"), camera("garden", state=CameraState.CONNECTED))
    expect(card(page, "Health")).to_contain_text("well since")


def test_stream_that_the_address_names_is_shown(serve: Serve) -> None:
    page = serve(view_of(camera("porch"))).go(f"#/camera/porch/{StreamKind.SUB}")
    expect(page.locator(".stage-facts")).to_contain_text("640 \N{MULTIPLICATION SIGN} 360")

"""The wall: every state in words, what is news, keys, sorting and finding."""

from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from neolink.camera.status import CameraState
from support.page_bench import LONG_NAME, Serve, camera, every_state, show, view_of

pytestmark = [pytest.mark.foreign, pytest.mark.alone]


def tile(page: Page, name: str) -> Locator:
    link = page.get_by_role("link", name=name, exact=True)
    return page.get_by_role("listitem").filter(has=link)


def names(page: Page) -> list[str]:
    return page.locator(".tile-name").all_text_contents()


WORDS = {
    "porch": ("well", "motion", "14.9 fps", "500 kbit/s"),
    "driveway": ("degraded", "sub: only 3.2 of 15 pictures a second"),
    "garage": ("offline since", "no route to host", "trying again in"),
    LONG_NAME: ("asleep since", "battery 82 %", "Show live"),
    "pond": ("login refused since", "wrong user name or password", "trying again in 4 min"),
    "attic": ("disabled since", "enabled = false"),
    "workshop": ("well", "battery 67 %", "battery camera", "Show live"),
}


def test_each_state_is_told_in_words(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go()
    for name, words in WORDS.items():
        for word in words:
            expect(tile(page, name)).to_contain_text(word)


def test_one_sentence_tells_how_all_is(serve: Serve) -> None:
    served = serve(view_of(camera("porch"), camera("garden")))
    page = served.go()
    expect(page.locator(".status")).to_have_text("All is well")
    away = camera("garden", state=CameraState.WAITING, state_for_s=60.0)
    show(served.view, camera("porch"), away)
    expect(page.locator(".status")).to_contain_text("1 of 2 needs attention")
    expect(page.locator(".status")).to_contain_text("garden: offline")
    expect(page).to_have_title("(1) neolink")


def test_a_change_comes_by_itself_and_is_announced(serve: Serve) -> None:
    served = serve(view_of(camera("porch")))
    page = served.go()
    expect(tile(page, "porch")).to_contain_text("well")
    away = camera("porch", state=CameraState.WAITING, state_for_s=60.0, next_attempt_in_s=9.0)
    show(served.view, away)
    expect(tile(page, "porch")).to_contain_text("offline since")
    expect(page.locator("#announcer")).to_contain_text("porch: offline")
    show(served.view, camera("porch"))
    expect(tile(page, "porch")).not_to_contain_text("offline since")
    expect(page.locator("#announcer")).to_have_text("porch: well")


def test_video_that_the_browser_cannot_play_is_shown_as_stills(serve: Serve) -> None:
    served = serve(view_of(camera("porch")))
    page = served.go()
    expect(tile(page, "porch")).to_contain_text("no H.265 in this browser: a picture every 3 s")
    expect(tile(page, "porch").locator('.live[data-shows="still"] canvas')).to_be_visible()
    assert page.evaluate("document.querySelector('canvas').width") == 640


def test_a_sleeping_camera_shows_a_still_and_is_not_woken(serve: Serve) -> None:
    served = serve(view_of(*every_state()))
    page = served.go()
    sleeper = tile(page, LONG_NAME)
    expect(sleeper.locator('.live[data-shows="still"]')).to_be_attached()
    expect(sleeper.locator('.live[data-phase="stopped"]')).to_be_attached()
    sleeper.get_by_role("button", name="Show live").click()
    expect(sleeper.locator('.live[data-phase="playing"]')).to_be_attached()


def test_arrow_keys_go_from_tile_to_tile(serve: Serve) -> None:
    page = serve(view_of(*(camera(f"cam{n}") for n in range(1, 5)))).go()
    link = page.get_by_role("link", name="cam1", exact=True)
    link.focus()
    for key, name in [("Right", "cam2"), ("Down", "cam4"), ("Left", "cam3"), ("Home", "cam1")]:
        page.keyboard.press(key if key == "Home" else f"Arrow{key}")
        expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="cam1", level=1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="cam1", exact=True)).to_be_focused()


def test_a_camera_is_found_by_a_part_of_its_name(serve: Serve) -> None:
    page = serve(view_of(*(camera(f"cam{n}") for n in range(1, 13)))).go()
    expect(page.get_by_text("12 cameras")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Find a camera by name")).to_be_focused()
    page.keyboard.type("CAM12")
    expect(page.get_by_text("1 of 12 cameras")).to_be_visible()
    assert names(page) == ["cam12"]
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".tile")).to_have_count(12)


def test_those_that_need_attention_come_first_or_alone(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go()
    page.get_by_label("Order").select_option("attention")
    assert names(page)[:3] == ["pond", "garage", "driveway"]
    page.get_by_label("Order").select_option("name")
    assert names(page)[0] == "attic"
    page.locator("body").press("a")
    expect(page.locator(".tile")).to_have_count(3)
    page.locator("body").press("a")
    expect(page.locator(".tile")).to_have_count(8)


def test_letters_are_no_keys_for_those_who_switch_them_off(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go()
    expect(page.locator(".tile")).to_have_count(8)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("a")
    expect(page.locator(".tile")).to_have_count(8)


def test_no_camera_is_explained(serve: Serve) -> None:
    page = serve(view_of()).go()
    expect(page.get_by_role("heading", name="No camera yet")).to_be_visible()
    expect(page.get_by_text("neolink.toml")).to_be_visible()


def test_a_camera_that_is_gone_leaves_the_wall(serve: Serve) -> None:
    served = serve(view_of(camera("porch"), camera("garden")))
    page = served.go()
    expect(page.locator(".tile")).to_have_count(2)
    show(served.view, camera("garden"))
    expect(page.locator(".tile")).to_have_count(1)
    assert names(page) == ["garden"]


def test_a_lost_bridge_is_told_and_comes_back_by_itself(serve: Serve) -> None:
    served = serve(view_of(camera("porch")))
    page = served.go()
    expect(tile(page, "porch")).to_contain_text("well")
    served.lose()
    expect(page.locator("#banner")).to_contain_text("The bridge has not answered since")
    served.find()
    show(served.view, replace(camera("porch"), has_motion=True))
    expect(page.locator("#banner")).to_be_hidden()
    expect(tile(page, "porch")).to_contain_text("motion")
    served.complaints.lines.clear()  # the browser notes each attempt

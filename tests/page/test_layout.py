"""The page on all screens: nothing sticks out; everything can be read, named and reached."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from support.browser import DESKTOP, PHONE, Scheme
from support.page_bench import LOCKED, Serve, camera, every_state, view_of

pytestmark = pytest.mark.foreign

PLACES = ("", "#/camera/porch", "#/camera/garage")

TEXTS = """() => {
  const parse = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.a > 0) layers.push(color);
      if (color.a === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below));
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((c) => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    const isSeen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const isMeant = !element.closest(".visually-hidden, [disabled], noscript");
    if (text === "" || !isSeen || !isMeant) continue;
    const below = ground(element);
    const above = over(parse(getComputedStyle(element).color), below);
    const [high, low] = [light(above), light(below)].sort((a, b) => b - a);
    found.push([text, (high + 0.05) / (low + 0.05)]);
  }
  return found;
}"""

UNNAMED = """() => [...document.querySelectorAll("a, button, input, select")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim()
    || one.labels?.length || one.querySelector("img[alt]:not([alt=''])")))
  .map((one) => one.outerHTML)"""

FOCUS = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const name = one.getAttribute("aria-label") ?? one.innerText.replace(/\\s+/g, " ").trim();
  const tile = one.closest(".tile");
  return { name, outline: getComputedStyle(tile ?? one).outlineStyle };
}"""

SMALL = """() => [...document.querySelectorAll("button, select, .segments a, .camera-head a")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.textContent || one.className, one.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24)
  .map(([name]) => name)"""


SCHEMES: tuple[Scheme, ...] = ("dark", "light")
SIZES = (PHONE, (320, 568), (820, 1180), DESKTOP)


def places(page: Page) -> Iterator[str]:
    """Go from place to place; each is complete when it is given."""
    start = page.url.split("#", maxsplit=1)[0]
    for place in PLACES:
        page.goto(start + place)
        if place:
            name = place.rpartition("/")[2]
            expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
            expect(page.locator(".chart-line").first).to_have_attribute("d", re.compile("M"))
            expect(page.locator(".log li")).to_have_count(2)
        else:
            expect(page.locator(".tile")).to_have_count(8)
        yield place


def test_nothing_sticks_out_sideways_and_all_can_be_hit(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go()
    for place in places(page):
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (place, width)
            assert page.evaluate(SMALL) == [], (place, width)


def test_text_stands_out_from_its_ground(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go()
    for place in places(page):
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            texts = page.evaluate(TEXTS)
            assert len(texts) > 30, place
            assert [(text, ratio) for text, ratio in texts if ratio < 4.5] == [], (place, scheme)


def test_everything_that_can_be_used_has_a_name(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go()
    for place in places(page):
        assert page.evaluate(UNNAMED) == [], place
        expect(page.get_by_role("heading", level=1)).to_have_count(1)


def test_tab_reaches_everything_and_shows_where_it_is(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go("#/camera/porch")
    expect(page.get_by_role("button", name="Copy the address of sub")).to_be_visible()
    reached: list[str] = []
    page.keyboard.press("Tab")
    while (focus := page.evaluate(FOCUS)) is not None:
        assert focus["outline"] != "none", focus
        page.keyboard.press("Tab")
        reached.append(focus["name"])
    for name in ("Previous camera", "Next camera", "Sub H.265", "Save picture", "Full screen"):
        assert name in reached


def test_the_skip_link_leads_past_the_head(serve: Serve) -> None:
    page = serve(view_of(*every_state())).go()
    expect(page.locator(".tile")).to_have_count(8)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the cameras")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page.locator(".tile")).to_have_count(8)


def test_login_fits_a_phone(serve: Serve) -> None:
    page = serve(view_of(*every_state()), settings=LOCKED, size=PHONE).go()
    expect(page.get_by_label("User name")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert [(text, ratio) for text, ratio in page.evaluate(TEXTS) if ratio < 4.5] == []


def test_on_a_phone_health_comes_right_after_the_picture(serve: Serve) -> None:
    page = serve(view_of(*every_state()), size=PHONE).go("#/camera/porch")
    top = {
        name: page.locator(name).evaluate("one => one.getBoundingClientRect().top")
        for name in (".stage", ".health-card", ".graphs")
    }
    assert sorted(top, key=lambda name: top[name]) == [".stage", ".health-card", ".graphs"]


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_wall_of_few_cameras_is_seen_without_scrolling(serve: Serve, count: int) -> None:
    page = serve(view_of(*(camera(f"cam{n}") for n in range(count)))).go()
    expect(page.locator(".tile")).to_have_count(count)
    assert page.evaluate("document.documentElement.scrollHeight") <= DESKTOP[1] + 4

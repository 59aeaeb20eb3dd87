"""A page of which a file does not come says so, and loads itself again."""

import pytest
from playwright.sync_api import Route, expect

from support.page_bench import Serve, camera, view_of

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize("lost", ["js/main.js", "js/camera/chart.js", "css/wall.css"])
def test_a_file_that_did_not_come_is_fetched_again(serve: Serve, lost: str) -> None:
    served = serve(view_of(camera("porch")))
    page, asked = served.page, []

    def lose_once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route(f"**/static/{lost}", lose_once)
    served.go()
    expect(page.locator("#loading")).to_contain_text("loaded again in 2 s")
    served.complaints.expect("ERR_INTERNET_DISCONNECTED")
    expect(page.locator("#loading")).to_have_count(0)
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()
    assert len(asked) == 2


def test_the_pauses_grow_while_it_fails_and_begin_anew_afterwards(serve: Serve) -> None:
    served = serve(view_of(camera("porch")))
    page = served.page
    page.clock.install()
    page.route("**/static/js/main.js", lambda route: route.abort("internetdisconnected"))
    served.go()
    for pause_s in (2, 4, 8, 16, 30, 30):
        expect(page.locator("#loading")).to_contain_text(f"loaded again in {pause_s} s")
        served.complaints.expect("ERR_INTERNET_DISCONNECTED")
        with page.expect_navigation():
            page.clock.run_for(1000 * pause_s)
    served.complaints.expect("ERR_INTERNET_DISCONNECTED")
    page.unroute("**/static/js/main.js")
    served.go()
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('neolink.loading')") == "0"

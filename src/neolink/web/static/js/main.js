/**
 * The page put together: who is logged in, which view is shown, what the whole page says.
 *
 * Data flows one way: api and news -> store -> views. Nothing here knows how a view looks.
 */

import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { CameraPage } from "./camera/page.js";
import { Api } from "./core/api.js";
import { News } from "./core/events.js";
import { followRoute, parseRoute } from "./core/router.js";
import { Store } from "./core/store.js";
import { Keys } from "./keys.js";
import { forgetPosters } from "./live/posters.js";
import { findAbilities } from "./live/ways.js";
import { LoginView } from "./login.js";
import { Top } from "./top.js";
import { Wall } from "./wall/wall.js";

const FIRST_RETRY_MS = 3000;

class Page {
  constructor() {
    this.api = new Api();
    this.store = new Store();
    this.abilities = findAbilities();
    this.main = byId("main");
    /** @type {any} the wall, a camera's page or the login; each has `element` and `close` */
    this.view = null;
    /** @type {string|null} */
    this.leftCamera = null;
    this.isStarted = false;
    this.news = new News(this.api, this.store, (camera, line) => this.view?.takeLine?.(camera, line));
    this.keys = new Keys((key) => this.handleKey(key));
    this.banner = new Banner(byId("banner"), this.store, {
      onRetry: () => (this.isStarted ? this.news.retryNow() : this.start()),
      onBack: () => this.view?.nudge?.(),
    });
    this.announcer = new Announcer(byId("announcer"));
    this.top = new Top(
      { status: byId("status"), actions: byId("actions") },
      {
        onFilter: () => this.toggleTroubled(),
        onLogout: () => this.logout(),
        onKeys: () => this.keys.showHelp(),
      },
    );
    this.api.onLoginNeeded = () => this.askLogin();
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault(); // its target would be taken for a route
      this.main.focus();
    });
    this.store.subscribe((state) => {
      this.paintTop();
      this.announcer.update(state.cameras);
    });
  }

  /** Ask who we are; without an answer, again and again. */
  async start() {
    clearTimeout(this.timer);
    try {
      const session = await this.api.session();
      this.store.set({ session, link: "connecting", retryMs: null });
      if (session.needs_login) this.askLogin();
      else this.enter();
    } catch {
      this.store.set({ link: "down", retryMs: performance.now() + FIRST_RETRY_MS });
      this.timer = setTimeout(() => this.start(), FIRST_RETRY_MS);
    }
  }

  enter() {
    if (this.isStarted) {
      this.news.retryNow();
      this.show(parseRoute(location.hash));
      return;
    }
    this.isStarted = true;
    this.news.start();
    followRoute((route) => this.show(route));
  }

  // -- views

  /** @param {import("./core/router.js").Route} route */
  show(route) {
    if (this.view instanceof LoginView && this.store.state.session?.needs_login) return;
    if (route.view === "camera") {
      if (this.view instanceof CameraPage && this.view.name === route.name) {
        this.view.choose(route.kind);
        return;
      }
      this.put(new CameraPage(this, route.name, route.kind));
      this.leftCamera = route.name;
      this.view.focus();
    } else if (!(this.view instanceof Wall)) {
      this.put(new Wall(this));
      this.view.focus(this.leftCamera);
      this.leftCamera = null;
    }
    this.paintTop();
  }

  put(view) {
    this.view?.close();
    this.view = view;
    this.main.replaceChildren(view.element);
    globalThis.scrollTo(0, 0);
  }

  paintTop() {
    const camera = this.view instanceof CameraPage ? this.view.name : null;
    this.top.update(this.store.state, { onlyTroubled: this.isFiltered, camera });
  }

  // -- logging in and out

  askLogin() {
    this.news.close();
    forgetPosters();
    const { session } = this.store.state;
    this.store.set({
      cameras: null,
      link: "connecting",
      session: { may_kick: false, version: "", ...session, user: null, has_session: false, needs_login: true },
    });
    if (this.view instanceof LoginView) return;
    this.put(new LoginView(this.api, () => this.start()));
    this.view.focus();
  }

  async logout() {
    try {
      await this.api.logout();
    } catch {
      return; // the banner says that the bridge does not answer
    }
    this.askLogin();
  }

  // -- the filter of the wall, which the head of the page switches

  get isFiltered() {
    return this.view instanceof Wall && this.view.onlyTroubled;
  }

  /** @param {boolean} isOn */
  onlyTroubled(isOn) {
    if (!(this.view instanceof Wall)) return;
    this.view.choose({ onlyTroubled: isOn });
    this.paintTop();
  }

  toggleTroubled() {
    const isOn = !this.isFiltered;
    if (!(this.view instanceof Wall)) location.hash = "#/";
    if (this.view instanceof CameraPage) this.show({ view: "wall" });
    this.onlyTroubled(isOn);
  }

  // -- keys

  /** @param {string} key @returns {boolean} whether it meant something here */
  handleKey(key) {
    if (this.view?.handleKey?.(key)) return true;
    if (key === "a" && this.store.state.cameras !== null) {
      this.toggleTroubled();
      return true;
    }
    return false;
  }
}

/** @param {string} id @returns {any} */
function byId(id) {
  return document.getElementById(id);
}

new Page().start();

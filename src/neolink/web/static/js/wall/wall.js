/**
 * The wall: all cameras as live tiles, which of them are seen, sorting and filtering.
 *
 * Only tiles on the screen of a visible page play; the others give everything back.
 */

import { h, setAttribute, setChildren, setText, show } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { every } from "../core/ticker.js";
import { formatCount } from "../words/format.js";
import { arrange, columnsOf, commonRatio } from "./arrange.js";
import { roam } from "./roam.js";
import { Tile } from "./tile.js";

const HIDDEN_GRACE_MS = 5000;
const MARGIN = "120px";

/** So many are found and sorted with the eyes. */
const FEW = 6;

const choice = { search: "", order: "config", onlyTroubled: false };

export class Wall {
  /** @param {{api: any, abilities: any, store: import("../core/store.js").Store}} page */
  constructor(page) {
    this.page = page;
    /** @type {Map<string, Tile>} */
    this.tiles = new Map();
    this.onScreen = new Set();
    this.isPageSeen = !document.hidden;
    this.build();
    this.observer = new IntersectionObserver((entries) => this.observe(entries), {
      rootMargin: MARGIN,
    });
    this.endTicks = every(1000, () => this.tiles.forEach((tile) => tile.tick()));
    this.onVisibility = () => this.followVisibility();
    document.addEventListener("visibilitychange", this.onVisibility);
    this.unsubscribe = page.store.subscribe((state) => this.update(state));
  }

  build() {
    this.search = h("input", {
      type: "search",
      id: "search",
      placeholder: "Find a camera",
      "aria-label": "Find a camera by name",
      autocomplete: "off",
      oninput: () => this.choose({ search: this.search.value }),
    });
    this.order = h(
      "select",
      { "aria-label": "Order", onchange: () => this.choose({ order: this.order.value }) },
      h("option", { value: "config", text: "As configured" }),
      h("option", { value: "attention", text: "Needs attention first" }),
      h("option", { value: "name", text: "By name" }),
    );
    this.count = h("p", { class: "wall-count" });
    this.all = h("button", {
      type: "button",
      class: "button small",
      text: "Show all",
      onclick: () => this.showAll(),
    });
    this.tools = h(
      "div",
      { class: "wall-tools", role: "search" },
      this.count,
      this.all,
      h("span", { class: "field" }, icon("search"), this.search),
      this.order,
    );
    this.list = h("ul", {
      class: "tiles",
      "aria-label": "Cameras",
      onkeydown: (event) => roam(event, [...this.list.children]),
    });
    this.empty = h("div", { class: "empty" });
    this.element = h(
      "div",
      { class: "wall" },
      h("h1", { class: "visually-hidden", text: "Cameras" }),
      this.tools,
      this.empty,
      this.list,
    );
    this.search.value = choice.search;
    this.order.value = choice.order;
  }

  /** @param {Partial<typeof choice>} change */
  choose(change) {
    Object.assign(choice, change);
    this.update(this.page.store.state);
  }

  showAll() {
    this.search.value = "";
    this.page.onlyTroubled(false);
    this.choose({ search: "" });
  }

  get onlyTroubled() {
    return choice.onlyTroubled;
  }

  /** @param {import("../core/store.js").State} state */
  update({ cameras }) {
    const isFew = (cameras?.length ?? 0) <= FEW && choice.search === "" && !choice.onlyTroubled;
    show(this.tools, !isFew);
    setAttribute(this.element, "data-few", isFew ? "" : null);
    if (cameras === null) {
      this.explainEmpty("Looking for the cameras …");
      return;
    }
    for (const camera of cameras) this.tileOf(camera).update(camera);
    const names = new Set(cameras.map(({ name }) => name));
    for (const [name, tile] of this.tiles) if (!names.has(name)) this.remove(name, tile);
    const chosen = arrange(cameras, choice);
    setChildren(this.list, chosen.map(({ name }) => this.tiles.get(name)?.element));
    this.fit(chosen);
    const isPart = chosen.length < cameras.length;
    const total = formatCount(cameras.length, "camera");
    setText(this.count, isPart ? `${chosen.length} of ${total}` : total);
    show(this.all, isPart);
    if (cameras.length === 0) this.explainNoCamera();
    else this.explainEmpty(chosen.length === 0 ? describeNothing() : "");
  }

  tileOf(camera) {
    let tile = this.tiles.get(camera.name);
    if (tile === undefined) {
      tile = new Tile(camera, this.page);
      this.tiles.set(camera.name, tile);
      this.observer.observe(tile.element);
    }
    return tile;
  }

  remove(name, tile) {
    this.observer.unobserve(tile.element);
    this.onScreen.delete(tile.element);
    tile.close();
    this.tiles.delete(name);
  }

  fit(chosen) {
    const videos = chosen.map(({ name }) => this.tiles.get(name)?.stream?.video ?? null);
    this.list.style.setProperty("--ratio", String(commonRatio(videos)));
    const columns = columnsOf(chosen.length);
    this.list.style.setProperty("--columns", String(columns));
    this.list.style.setProperty("--rows", String(Math.ceil(chosen.length / columns)));
  }

  observe(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.onScreen.add(target);
      else this.onScreen.delete(target);
    }
    this.tellTiles();
  }

  /** A glance at another tab does not cost the pictures. */
  followVisibility() {
    clearTimeout(this.hiding);
    const tell = () => {
      this.isPageSeen = !document.hidden;
      this.tellTiles();
    };
    if (document.hidden) this.hiding = setTimeout(tell, HIDDEN_GRACE_MS);
    else tell();
  }

  tellTiles() {
    for (const tile of this.tiles.values()) {
      tile.see(this.isPageSeen && this.onScreen.has(tile.element));
    }
  }

  explainEmpty(words) {
    show(this.empty, words !== "");
    if (words !== "") this.empty.replaceChildren(h("p", { text: words }));
  }

  explainNoCamera() {
    show(this.empty, true);
    const example = '[[cameras]]\nname = "porch"\naddress = "192.0.2.7"\nusername = "admin"\npassword = "…"';
    this.empty.replaceChildren(
      h("h2", { text: "No camera yet" }),
      h("p", { text: "Name your cameras in neolink.toml; the page follows the file, no restart is needed." }),
      h("pre", {}, h("code", { text: example })),
      h("p", { text: "If cameras are there already, your account may not watch any of them." }),
    );
  }

  /** @param {string|null} name the camera somebody comes back from */
  focus(name) {
    this.tiles.get(name ?? "")?.link.focus({ preventScroll: false });
  }

  /** @param {string} key @returns {boolean} whether it meant something */
  handleKey(key) {
    if (key !== "/" || this.tools.hidden) return false;
    this.search.focus();
    this.search.select();
    return true;
  }

  /** The bridge is back: nobody waits for a pause to end. */
  nudge() {
    this.tiles.forEach((tile) => tile.nudge());
  }

  close() {
    this.unsubscribe();
    this.endTicks();
    clearTimeout(this.hiding);
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.observer.disconnect();
    this.tiles.forEach((tile) => tile.close());
  }
}

function describeNothing() {
  return choice.onlyTroubled && choice.search === ""
    ? "No camera needs attention."
    : "No camera matches.";
}

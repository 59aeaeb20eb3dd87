/**
 * The head of the page: the one sentence that says how all is, the strip with a mark for each
 * camera, and the account.
 */

import { h, setAttribute, setChildren, setText, show } from "./core/dom.js";
import { icon, setIcon } from "./core/icons.js";
import { meaningOf, summarize } from "./words/health.js";

export class Top {
  /**
   * @param {{status: HTMLElement, actions: HTMLElement}} places
   * @param {{onFilter: () => void, onLogout: () => void, onKeys: () => void}} actions
   */
  constructor(places, { onFilter, onLogout, onKeys }) {
    this.icon = icon("check");
    this.headline = h("span", { class: "status-headline" });
    this.detail = h("span", { class: "status-detail" });
    this.button = h(
      "button",
      { type: "button", class: "status", "aria-pressed": "false", onclick: onFilter },
      this.icon,
      h("span", { class: "status-words" }, this.headline, this.detail),
    );
    this.strip = h("div", { class: "strip", "aria-hidden": "true" });
    places.status.append(this.button, this.strip);
    this.user = h("span", { class: "user" });
    this.logout = h(
      "button",
      { type: "button", class: "button quiet", onclick: onLogout },
      icon("logout"),
      h("span", { text: "Log out" }),
    );
    const keys = h(
      "button",
      { type: "button", class: "button quiet keys", onclick: onKeys, title: "Keys (?)" },
      icon("keyboard"),
      h("span", { class: "visually-hidden", text: "Keys" }),
    );
    places.actions.append(this.user, keys, this.logout);
  }

  /**
   * @param {import("./core/store.js").State} state
   * @param {{onlyTroubled: boolean, camera: string|null}} shown
   */
  update({ cameras, session }, { onlyTroubled, camera }) {
    show(this.button, cameras !== null);
    show(this.logout, Boolean(session?.has_session));
    setText(this.user, session?.user ?? "");
    const title = camera === null ? "neolink" : `${camera} – neolink`;
    if (cameras === null) {
      this.strip.replaceChildren();
      document.title = title;
      return;
    }
    const { isWell, headline, detail, attention } = summarize(cameras);
    setAttribute(this.button, "data-well", isWell ? "" : null);
    setAttribute(this.button, "aria-pressed", String(onlyTroubled));
    setAttribute(
      this.button,
      "title",
      onlyTroubled ? "Show all cameras" : "Show only cameras that need attention",
    );
    setIcon(this.icon, isWell ? "check" : "warning");
    setText(this.headline, headline);
    setText(this.detail, detail);
    setChildren(this.strip, cameras.map((camera, at) => this.mark(camera, at)));
    document.title = attention > 0 ? `(${attention}) ${title}` : title;
  }

  mark(camera, at) {
    const mark = this.strip.children[at] ?? h("span", { class: "mark" });
    setAttribute(mark, "data-state", camera.health.state);
    setAttribute(mark, "title", `${camera.name}: ${meaningOf(camera.health.state).word}`);
    return mark;
  }
}

/** The page of one camera: its parts, and how they are told what is new. */

import { h, setAttribute, setText, show } from "../core/dom.js";
import { icon, setIcon } from "../core/icons.js";
import { cameraLink } from "../core/router.js";
import { every } from "../core/ticker.js";
import { chooseStream } from "../live/ways.js";
import { meaningOf } from "../words/health.js";
import { Addresses } from "./addresses.js";
import { Facts } from "./facts.js";
import { Graphs } from "./graphs.js";
import { HealthCard } from "./health-card.js";
import { Log } from "./log.js";
import { Sessions } from "./sessions.js";
import { Stage } from "./stage.js";

export class CameraPage {
  /**
   * @param {{api: any, abilities: any, store: import("../core/store.js").Store}} page
   * @param {string} name @param {string|null} kind the stream that the address names
   */
  constructor(page, name, kind) {
    this.page = page;
    this.name = name;
    this.kind = kind;
    /** @type {any[]|null} made when the camera is known */
    this.parts = null;
    this.build();
    this.endTicks = every(1000, () => this.parts?.forEach((part) => part.tick?.()));
    this.onVisibility = () => this.stage?.see(!document.hidden || this.stage.sound.isHeard);
    document.addEventListener("visibilitychange", this.onVisibility);
    this.unsubscribe = page.store.subscribe((state) => this.update(state));
  }

  build() {
    this.healthIcon = icon("check");
    this.healthWord = h("span");
    this.health = h("p", { class: "health" }, this.healthIcon, this.healthWord);
    this.title = h("h1", { tabindex: "-1", text: this.name });
    this.previous = h("a", { class: "button quiet", title: "Previous camera (p)" });
    this.next = h("a", { class: "button quiet", title: "Next camera (n)" });
    this.previous.append(icon("back"), h("span", { class: "visually-hidden", text: "Previous camera" }));
    this.next.append(icon("forward"), h("span", { class: "visually-hidden", text: "Next camera" }));
    this.body = h("div", { class: "camera-body" }, h("p", { class: "empty", text: "Looking for the camera …" }));
    this.element = h(
      "div",
      { class: "camera" },
      h(
        "div",
        { class: "camera-head" },
        h("a", { class: "button quiet back", href: "#/", title: "All cameras (Escape)" }, icon("back"), h("span", { text: "All cameras" })),
        this.title,
        this.health,
        h("nav", { class: "camera-turn", "aria-label": "Other cameras" }, this.previous, this.next),
      ),
      this.body,
    );
  }

  /** @param {import("../core/store.js").State} state */
  update({ cameras, session }) {
    if (cameras === null) return;
    const at = cameras.findIndex(({ name }) => name === this.name);
    if (at < 0) {
      this.showAbsence();
      return;
    }
    const camera = cameras[at];
    if (this.parts === null) this.furnish(camera);
    show(this.health, true);
    const stream = this.streamOf(camera);
    for (const part of this.parts ?? []) part.update(camera, stream, session);
    const meaning = meaningOf(camera.health.state);
    setAttribute(this.element, "data-state", camera.health.state);
    setIcon(this.healthIcon, meaning.icon);
    setText(this.healthWord, meaning.word);
    show(this.previous.parentElement, cameras.length > 1);
    this.previous.href = cameraLink(cameras.at(at - 1).name);
    this.next.href = cameraLink(cameras[(at + 1) % cameras.length].name);
  }

  furnish(camera) {
    const { page } = this;
    this.stage = new Stage(camera, page);
    this.log = new Log(page.api, this.name);
    this.sessions = new Sessions(page.api, this.name);
    this.parts = [
      this.stage,
      new Graphs(page.api, this.name),
      new HealthCard(page.store),
      new Addresses(),
      new Facts(),
      this.sessions,
      this.log,
    ];
    const [stage, graphs, health, addresses, facts, sessions, log] = this.parts.map(({ element }) => element);
    this.health.after(this.stage.facts);
    this.body.replaceChildren(
      h("div", { class: "camera-main" }, stage, graphs),
      h("div", { class: "camera-side" }, health, addresses, facts),
      h("div", { class: "camera-below" }, sessions, log),
    );
    this.stage.see(!document.hidden);
  }

  showAbsence() {
    this.drop();
    const absence = h(
      "div",
      { class: "empty" },
      h("h2", { text: "No such camera" }),
      h("p", { text: `There is no camera called ${this.name}, or your account may not watch it.` }),
      h("a", { class: "button", href: "#/", text: "All cameras" }),
    );
    show(this.health, false);
    show(this.previous.parentElement, false);
    this.body.replaceChildren(absence);
  }

  streamOf(camera) {
    const asked = camera.streams.find(({ kind }) => kind === this.kind);
    return asked ?? chooseStream(camera.streams, "camera", this.page.abilities);
  }

  /** @param {string|null} kind another stream of this camera */
  choose(kind) {
    this.kind = kind;
    this.update(this.page.store.state);
  }

  /** @param {string} camera @param {any} line of its log */
  takeLine(camera, line) {
    if (camera === this.name) this.log?.take(line);
  }

  /** @param {string} key @returns {boolean} whether it meant something */
  handleKey(key) {
    if (key === "Escape") location.hash = "#/";
    else if (key === "n") this.next.click();
    else if (key === "p") this.previous.click();
    else return this.stage?.handleKey(key) ?? false;
    return true;
  }

  focus() {
    this.title.focus({ preventScroll: true });
  }

  /** The bridge is back. */
  nudge() {
    this.stage?.nudge();
    this.log?.load();
  }

  drop() {
    this.stage?.facts.remove();
    this.parts?.forEach((part) => part.close?.());
    this.parts = null;
    this.stage = undefined;
    this.log = undefined;
  }

  close() {
    this.unsubscribe();
    this.endTicks();
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.drop();
  }
}

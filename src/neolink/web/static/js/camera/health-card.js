/** How the camera and each of its streams do, in words. */

import { h, setAttribute, setChildren, setText, show } from "../core/dom.js";
import { icon, setIcon } from "../core/icons.js";
import { setProse } from "../core/prose.js";
import { explain, meaningOf } from "../words/health.js";
import { streamName } from "../words/names.js";

export class HealthCard {
  /** @param {import("../core/store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.icon = icon("check");
    this.head = h("strong");
    this.reasons = h("ul", { class: "reasons" });
    this.doing = h("p", { class: "doing" });
    this.streams = h("dl", { class: "stream-health" });
    this.element = h(
      "section",
      { class: "card health-card", "aria-labelledby": "health-title" },
      h("h2", { id: "health-title", text: "Health" }),
      h("p", { class: "health" }, this.icon, this.head),
      this.reasons,
      this.doing,
      this.streams,
    );
  }

  update(camera) {
    this.camera = camera;
    setAttribute(this.element, "data-state", camera.health.state);
    setIcon(this.icon, meaningOf(camera.health.state).icon);
    const { reasons } = camera.health;
    setChildren(this.reasons, reasons.map((_, at) => this.reasons.children[at] ?? h("li")));
    reasons.forEach((reason, at) => setProse(this.reasons.children[at], reason));
    show(this.reasons, reasons.length > 0);
    const rows = camera.streams.flatMap((stream, at) => this.rowOf(stream, at));
    setChildren(this.streams, rows);
    show(this.streams, camera.streams.length > 1);
    this.tick();
  }

  rowOf({ kind, health }, at) {
    const name = this.streams.children[2 * at] ?? h("dt");
    const words = this.streams.children[2 * at + 1] ?? h("dd");
    setText(name, streamName(kind));
    setAttribute(words, "data-state", health.state);
    setText(words, [meaningOf(health.state).word, health.doing].filter(Boolean).join(", "));
    return [name, words];
  }

  /** Once a second: the countdown goes on. */
  tick() {
    if (!this.camera) return;
    const told = explain(this.camera.health, new Date(), this.store.nextAttemptS(this.camera));
    setText(this.head, told.head);
    setText(this.doing, told.doing);
    show(this.doing, told.doing !== "");
  }
}

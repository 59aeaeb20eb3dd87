/** The line above everything that says that the bridge itself does not answer. */

import { h, setText, show } from "./core/dom.js";
import { icon } from "./core/icons.js";
import { every } from "./core/ticker.js";
import { formatMoment } from "./words/format.js";

export class Banner {
  /**
   * @param {HTMLElement} element @param {import("./core/store.js").Store} store
   * @param {{onRetry: () => void, onBack: () => void}} actions
   */
  constructor(element, store, { onRetry, onBack }) {
    this.element = element;
    this.store = store;
    this.onBack = onBack;
    this.words = h("span");
    this.wait = h("span", { "aria-hidden": "true" }); // a countdown would be read out each second
    this.button = h("button", { type: "button", class: "button small", text: "Try now", onclick: onRetry });
    element.append(icon("unplugged"), h("p", {}, this.words, " ", this.wait), this.button);
    this.since = "";
    this.endTicks = () => {};
    store.subscribe((state) => this.update(state));
  }

  /** @param {import("./core/store.js").State} state */
  update({ link }) {
    const wasDown = !this.element.hidden;
    const isDown = link === "down";
    if (isDown && !wasDown) {
      this.since = new Date().toISOString();
      this.endTicks = every(1000, () => this.paint());
    }
    show(this.element, isDown);
    document.documentElement.toggleAttribute("data-lost", isDown);
    if (isDown) this.paint();
    if (wasDown && !isDown) {
      this.endTicks();
      if (link === "up") this.onBack();
    }
  }

  paint() {
    setText(
      this.words,
      `The bridge has not answered since ${formatMoment(this.since, new Date())}.` +
        " What you see is from before.",
    );
    const { retryMs } = this.store.state;
    const waitS = retryMs === null ? 0 : Math.ceil((retryMs - performance.now()) / 1000);
    setText(this.wait, waitS > 0 ? `Trying again in ${waitS} s.` : "Trying again now.");
  }
}

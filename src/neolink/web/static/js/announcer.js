/** Tells a screen reader when a camera's health changes; what is on the page at first is not told. */

import { setText } from "./core/dom.js";
import { meaningOf } from "./words/health.js";

export class Announcer {
  /** @param {HTMLElement} place a live region */
  constructor(place) {
    this.place = place;
    /** @type {Map<string, string>} */
    this.states = new Map();
  }

  /** @param {any[]|null} cameras */
  update(cameras) {
    const changed = (cameras ?? []).filter(
      ({ name, health }) => (this.states.get(name) ?? health.state) !== health.state,
    );
    this.states = new Map((cameras ?? []).map(({ name, health }) => [name, health.state]));
    if (changed.length === 0) return;
    setText(this.place, changed.map(describe).join(". "));
  }
}

function describe({ name, health }) {
  const word = meaningOf(health.state).word;
  return health.reasons.length > 0 ? `${name}: ${word}, ${health.reasons[0]}` : `${name}: ${word}`;
}

/**
 * A camera's live picture with what is the matter in words over it. Used by tiles and by the
 * camera page.
 *
 * It plays only while its owner says that it can be seen, and it wakes no camera by itself.
 */

import { h, setAttribute, setText, show } from "../core/dom.js";
import { setProse } from "../core/prose.js";
import { explain, meaningOf } from "../words/health.js";
import { SNAPSHOT_EVERY_S } from "./snapshots.js";
import { LiveView } from "./view.js";
import { playsByItself } from "./ways.js";

const FRUGAL_MS = 120_000;
const RESTING = "a battery camera: live pictures cost charge";

export class Picture {
  /**
   * @param {{camera: any, place: "wall"|"camera", page: {api: any, abilities: any, store: any},
   *          onChange?: (status: import("./view.js").LiveStatus) => void}} options
   */
  constructor({ camera, place, page, onChange = () => {} }) {
    this.page = page;
    this.camera = camera;
    /** @type {any} */
    this.stream = null;
    this.isSeen = false;
    this.askedMs = -Infinity;
    this.live = new LiveView({
      camera: camera.name,
      place,
      api: page.api,
      abilities: page.abilities,
      onChange: (status) => {
        this.paint();
        onChange(status);
      },
    });
    this.head = h("strong");
    this.why = h("span");
    this.doing = h("span", { class: "note-doing" });
    this.ask = h("button", { type: "button", class: "button small", onclick: () => this.play() });
    this.note = h("div", { class: "note", hidden: true }, this.head, this.why, this.doing, this.ask);
    this.hint = h("p", { class: "hint" });
    this.element = h("div", { class: "picture" }, this.live.element, this.note, this.hint);
  }

  /** @param {any} camera as the API gave it last @param {any} stream which of its streams is shown */
  update(camera, stream) {
    const was = this.camera.health.state;
    this.camera = camera;
    this.stream = stream;
    if (was !== camera.health.state && camera.health.state === "ok") this.live.nudge();
    this.paint();
    this.sync();
  }

  /** @param {boolean} isSeen by anybody: on the screen, in a visible page */
  see(isSeen) {
    this.isSeen = isSeen;
    this.sync();
  }

  /** Somebody asked for it: now a camera may be woken. */
  play() {
    this.askedMs = performance.now();
    this.live.stop();
    this.sync();
  }

  sync() {
    const wasAsked = performance.now() - this.askedMs < FRUGAL_MS;
    const isDark = meaningOf(this.camera.health.state).isDark;
    const hasSomething = !isDark || wasAsked || this.stream?.video;
    if (this.isSeen && this.stream && hasSomething && playsByItself(this.camera, wasAsked)) {
      this.live.start(this.stream);
      return;
    }
    this.live.stop();
    const mayShow = this.isSeen && this.stream?.video && this.camera.health.state !== "disabled";
    if (mayShow) this.live.showStill(this.stream.kind);
  }

  /** Once a second: countdowns go on, a battery camera is let go. */
  tick() {
    if (this.live.isRunning && this.askedMs > 0) this.sync();
    if (this.camera.connection?.next_attempt_in_s != null) this.paint();
  }

  paint() {
    const { health } = this.camera;
    const { phase, standIn, words } = this.live.status;
    const isDark = meaningOf(health.state).isDark;
    const isFrugal = !playsByItself(this.camera, false) && health.state !== "disabled";
    const isResting = isFrugal && !isDark && phase === "stopped";
    const told = explain(health, new Date(), this.page.store.nextAttemptS(this.camera));
    const offersPlay = phase === "ended" || (isFrugal && phase === "stopped");
    show(this.note, isDark || offersPlay);
    setAttribute(this.note, "data-state", health.state);
    setText(this.head, isDark ? told.head : "");
    setProse(this.why, phase === "ended" ? `ended: ${words}` : isDark ? told.why : isResting ? RESTING : "");
    setText(this.doing, isDark ? told.doing : "");
    show(this.ask, offersPlay);
    setText(this.ask, phase === "ended" ? "Play again" : "Show live");
    setAttribute(this.live.element, "data-dim", isDark || standIn !== null ? "" : null);
    setText(this.hint, isDark || offersPlay ? "" : describeHint(this.live.status, this.stream));
    setAttribute(this.live.element, "data-phase", phase);
  }

  close() {
    this.live.stop();
  }
}

function describeHint({ phase, standIn, words, way }, stream) {
  if (standIn !== null) return `no live picture: ${standIn}`;
  if (way === "snapshots") {
    const what = stream?.video?.codec === "H265" ? "H.265" : "live video";
    return `no ${what} in this browser: a picture every ${SNAPSHOT_EVERY_S} s`;
  }
  if (phase === "connecting" && words !== null) return `${words}; trying again`;
  return phase === "connecting" ? "connecting" : "";
}

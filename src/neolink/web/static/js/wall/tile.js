/**
 * One camera on the wall: its live picture, and under it what is known in two lines.
 *
 * It plays only while the wall says that it can be seen. What is the matter stands over the
 * picture in words.
 */

import { h, setAttribute, setText, show } from "../core/dom.js";
import { icon, setIcon } from "../core/icons.js";
import { setProse } from "../core/prose.js";
import { cameraLink } from "../core/router.js";
import { SNAPSHOT_EVERY_S } from "../live/snapshots.js";
import { LiveView } from "../live/view.js";
import { chooseStream, playsByItself } from "../live/ways.js";
import { formatBitrate, formatCount, formatFps, formatMoment } from "../words/format.js";
import { explain, meaningOf } from "../words/health.js";

const FRUGAL_MS = 120_000;

export class Tile {
  /** @param {any} camera @param {{api: any, abilities: any, store: any}} page */
  constructor(camera, page) {
    this.page = page;
    this.camera = camera;
    this.isSeen = false;
    this.askedMs = -Infinity;
    this.live = new LiveView({
      camera: camera.name,
      place: "wall",
      api: page.api,
      abilities: page.abilities,
      onChange: () => this.paint(),
    });
    this.build();
    this.update(camera);
  }

  build() {
    this.link = h("a", { href: cameraLink(this.camera.name), text: this.camera.name });
    this.head = h("strong");
    this.why = h("span");
    this.doing = h("span", { class: "note-doing" });
    this.ask = h("button", { type: "button", class: "button small", onclick: () => this.play() });
    this.note = h("div", { class: "note" }, this.head, this.why, this.doing, this.ask);
    this.hint = h("p", { class: "hint" });
    this.healthIcon = icon("check");
    this.healthWord = h("span");
    this.fps = h("span");
    this.bitrate = h("span");
    this.players = h("span");
    this.battery = h("span");
    this.event = h("p", { class: "tile-event" });
    this.element = h(
      "li",
      { class: "tile" },
      h("div", { class: "picture" }, this.live.element, this.note, this.hint),
      h(
        "div",
        { class: "caption" },
        h("h2", { class: "tile-name" }, this.link),
        h("p", { class: "health" }, this.healthIcon, this.healthWord),
        h("p", { class: "tile-facts" }, this.fps, this.bitrate, this.players, this.battery),
        this.event,
      ),
    );
  }

  /** @param {any} camera as the API gave it last */
  update(camera) {
    const was = this.camera.health.state;
    this.camera = camera;
    this.stream = chooseStream(camera.streams, "wall", this.page.abilities);
    if (was !== camera.health.state && camera.health.state === "ok") this.live.nudge();
    this.paint();
    this.sync();
  }

  /** @param {boolean} isSeen by anybody: on the screen, in a visible page */
  see(isSeen) {
    this.isSeen = isSeen;
    this.sync();
  }

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
    } else {
      this.live.stop();
    }
  }

  /** Once a second: countdowns go on, a battery camera is let go. */
  tick() {
    if (this.live.isRunning && this.askedMs > 0) this.sync();
    if (this.camera.connection?.next_attempt_in_s != null) this.paintNote();
  }

  paint() {
    const { camera, stream } = this;
    const meaning = meaningOf(camera.health.state);
    setAttribute(this.element, "data-state", camera.health.state);
    setIcon(this.healthIcon, meaning.icon);
    setText(this.healthWord, meaning.word);
    const players = camera.streams.reduce((sum, one) => sum + one.players, 0);
    const flows = stream !== null && stream.fps > 0;
    setText(this.fps, flows ? formatFps(stream.fps) : "");
    setText(this.bitrate, flows ? formatBitrate(stream.bitrate_bps) : "");
    setText(this.players, formatCount(players, "viewer"));
    const percent = camera.battery_percent;
    setText(this.battery, percent === null ? "" : `battery ${percent} %`);
    setText(this.event, describeEvent(camera.last_event));
    this.paintNote();
  }

  paintNote() {
    const { health } = this.camera;
    const { phase, standIn, words, way } = this.live.status;
    const isDark = meaningOf(health.state).isDark;
    const isFrugal = !playsByItself(this.camera, false) && health.state !== "disabled";
    const told = explain(health, new Date(), this.page.store.nextAttemptS(this.camera));
    const offersPlay = phase === "ended" || (isFrugal && phase === "stopped");
    show(this.note, isDark || offersPlay);
    setText(this.head, isDark ? told.head : "");
    setProse(this.why, phase === "ended" ? `ended: ${words}` : isDark ? told.why : "");
    setText(this.doing, isDark ? told.doing : "");
    show(this.ask, offersPlay);
    setText(this.ask, phase === "ended" ? "Play again" : "Show live");
    setAttribute(this.live.element, "data-dim", isDark || standIn !== null ? "" : null);
    setText(this.hint, isDark || offersPlay ? "" : describeHint({ phase, standIn, words, way }, this.stream));
    setAttribute(this.live.element, "data-phase", phase);
  }

  close() {
    this.live.stop();
  }
}

function describeEvent(event) {
  return event === null ? "" : `${formatMoment(event.at, new Date())} ${event.text}`;
}

function describeHint({ phase, standIn, words, way }, stream) {
  if (standIn !== null) return `no live picture: ${standIn}`;
  if (way === "snapshots") {
    const cause = stream?.video?.codec === "H265" ? "H.265: this" : "This";
    return `${cause} browser shows a picture every ${SNAPSHOT_EVERY_S} s`;
  }
  if (phase === "connecting" && words !== null) return `${words}; trying again`;
  return phase === "connecting" ? "connecting" : "";
}

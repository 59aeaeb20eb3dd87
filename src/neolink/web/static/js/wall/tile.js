/** One camera on the wall: its live picture, and under it what is known in two lines. */

import { h, setAttribute, setText } from "../core/dom.js";
import { icon, setIcon } from "../core/icons.js";
import { setProse } from "../core/prose.js";
import { cameraLink } from "../core/router.js";
import { Picture } from "../live/picture.js";
import { chooseStream } from "../live/ways.js";
import { formatBitrate, formatCount, formatFps, formatMoment } from "../words/format.js";
import { meaningOf } from "../words/health.js";

export class Tile {
  /** @param {any} camera @param {{api: any, abilities: any, store: any}} page */
  constructor(camera, page) {
    this.page = page;
    this.camera = camera;
    this.picture = new Picture({ camera, place: "wall", page });
    this.build();
    this.update(camera);
  }

  build() {
    this.link = h("a", { href: cameraLink(this.camera.name), text: this.camera.name });
    this.healthIcon = icon("check");
    this.healthWord = h("span");
    this.motion = h("span", { class: "tile-motion" });
    this.fps = h("span");
    this.bitrate = h("span", { class: "tile-minor" });
    this.viewers = h("span", { class: "tile-minor" });
    this.battery = h("span");
    this.event = h("p", { class: "tile-event" });
    this.element = h(
      "li",
      { class: "tile" },
      this.picture.element,
      h(
        "div",
        { class: "caption" },
        h(
          "div",
          { class: "caption-row" },
          h("h2", { class: "tile-name" }, this.link),
          h("p", { class: "health" }, this.healthIcon, this.healthWord),
        ),
        h(
          "div",
          { class: "caption-row" },
          this.event,
          h("p", { class: "tile-facts" }, this.motion, this.fps, this.bitrate, this.viewers, this.battery),
        ),
      ),
    );
  }

  get stream() {
    return this.picture.stream;
  }

  /** @param {any} camera as the API gave it last */
  update(camera) {
    this.camera = camera;
    this.picture.update(camera, chooseStream(camera.streams, "wall", this.page.abilities));
    this.paint();
  }

  /** @param {boolean} isSeen by anybody: on the screen, in a visible page */
  see(isSeen) {
    this.picture.see(isSeen);
  }

  tick() {
    this.picture.tick();
  }

  /** The bridge is back: nobody waits for a pause to end. */
  nudge() {
    this.picture.live.nudge();
  }

  paint() {
    const { camera, stream } = this;
    const meaning = meaningOf(camera.health.state);
    setAttribute(this.element, "data-state", camera.health.state);
    setIcon(this.healthIcon, meaning.icon);
    setText(this.healthWord, meaning.word);
    const viewers = camera.streams.reduce((sum, one) => sum + one.players, 0);
    const flows = stream !== null && stream.fps > 0;
    setText(this.motion, camera.motion ? "motion" : "");
    setText(this.fps, flows ? formatFps(stream.fps) : "");
    setText(this.bitrate, flows ? formatBitrate(stream.bitrate_bps) : "");
    setText(this.viewers, viewers > 0 ? formatCount(viewers, "viewer") : "");
    const percent = camera.battery_percent;
    setText(this.battery, percent === null ? "" : `battery ${percent} %`);
    const words = describeEvent(camera, meaning);
    setProse(this.event, words);
    setAttribute(this.event, "title", words || null);
  }

  close() {
    this.picture.close();
  }
}

/** Why it is not well stands over a dark picture; under one that plays it stands here. */
function describeEvent({ health, last_event: event }, meaning) {
  if (meaning.needsAttention && !meaning.isDark && health.reasons.length > 0) return health.reasons[0];
  return event === null ? "" : `${formatMoment(event.at, new Date())} ${event.text}`;
}

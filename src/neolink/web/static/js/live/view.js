/**
 * The live picture of one camera: chooses the way, starts again with growing pauses when it ends,
 * keeps the last picture while there is no other. Used by tiles and by the camera page.
 *
 * Words about health are not here: whoever owns the view writes them over it.
 */

import { Backoff } from "../core/backoff.js";
import { h, setAttribute } from "../core/dom.js";
import { NativeSource } from "./native.js";
import { keepPoster, showPoster } from "./posters.js";
import { fetchStill, paint, SnapshotSource } from "./snapshots.js";
import { chooseWay } from "./ways.js";
import { WebSocketSource } from "./websocket.js";

const FIRST_PAUSE_MS = 700;
const LONGEST_PAUSE_MS = 10_000;
const PROVEN_MS = 10_000;

/**
 * @typedef {object} LiveStatus
 * @property {"stopped"|"connecting"|"playing"|"waiting"|"ended"} phase
 * @property {import("./ways.js").Way|null} way
 * @property {string|null} standIn why the picture is not live
 * @property {string|null} words why it ended last
 * @property {boolean} hasAudio
 */

export class LiveView {
  /**
   * @param {{camera: string, place: "wall"|"camera", api: any, abilities: any,
   *          onChange: (status: LiveStatus) => void}} options
   */
  constructor({ camera, place, api, abilities, onChange }) {
    this.camera = camera;
    this.place = place;
    this.api = api;
    this.abilities = abilities;
    this.onChange = onChange;
    this.canvas = h("canvas", { class: "still", "aria-hidden": "true" });
    this.video = h("video", { class: "moving", playsinline: true, tabindex: "-1" });
    this.video.muted = true;
    this.element = h("div", { class: "live", "data-shows": "nothing" }, this.canvas, this.video);
    this.backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    /** @type {LiveStatus} */
    this.status = { phase: "stopped", way: null, standIn: null, words: null, hasAudio: false };
    /** @type {{kind: string, video: any}|null} */
    this.stream = null;
    this.source = null;
    this.startedMs = 0;
    this.timer = 0;
    this.cannotPlay = new Set();
    this.width = place === "camera" ? 1280 : 640;
    this.hasAskedStill = false;
    if (showPoster(camera, this.canvas)) setAttribute(this.element, "data-shows", "still");
  }

  get isRunning() {
    return this.status.phase !== "stopped";
  }

  /** @param {{kind: string, video: any}} stream another one replaces the one that plays */
  start(stream) {
    if (this.isRunning && this.stream?.kind === stream.kind) return;
    if (this.isRunning) this.stop();
    this.stream = stream;
    this.backoff.reset();
    this.begin();
  }

  stop() {
    if (!this.isRunning) return;
    clearTimeout(this.timer);
    this.drop();
    this.change({ phase: "stopped", standIn: null, words: null, hasAudio: false });
  }

  /** Do not wait for the end of a pause: the bridge, or the camera, is back. */
  nudge() {
    if (this.status.phase !== "connecting" || this.source !== null) return;
    clearTimeout(this.timer);
    this.backoff.reset();
    this.begin();
  }

  /** Keep the last picture and let go of the rest. */
  drop() {
    this.freeze();
    this.source?.stop();
    this.source = null;
  }

  /** Put a still picture in the place of the moving one. */
  freeze() {
    if (this.element.getAttribute("data-shows") === "moving") {
      keepPoster(this.camera, this.video);
      const hasStill = showPoster(this.camera, this.canvas);
      setAttribute(this.element, "data-shows", hasStill ? "still" : "nothing");
    }
  }

  /** Show a picture that is not live, unless there is one already. @param {string} kind */
  async showStill(kind) {
    if (this.hasAskedStill || this.element.getAttribute("data-shows") !== "nothing") return;
    this.hasAskedStill = true;
    const still = await fetchStill(this.api, { camera: this.camera, kind, width: this.width });
    if (still === null) return;
    if (this.element.getAttribute("data-shows") === "nothing") {
      paint(this.canvas, still);
      setAttribute(this.element, "data-shows", "still");
    }
  }

  begin() {
    const stream = this.stream;
    if (stream === null) return;
    const way = this.cannotPlay.has(stream.kind)
      ? "snapshots"
      : chooseWay(stream.video, this.abilities);
    this.startedMs = performance.now();
    this.change({ phase: "connecting", way });
    const report = (said) => this.handle(said);
    const isPage = this.place === "camera";
    const what = { camera: this.camera, kind: stream.kind, isEager: isPage, wantsAudio: isPage };
    if (way === "mse") this.source = new WebSocketSource(this.video, what, report);
    else if (way === "native") this.source = new NativeSource(this.video, what, report);
    else {
      const { canvas, width, api } = this;
      this.source = new SnapshotSource(canvas, { ...what, width }, api, report);
    }
  }

  /** @param {import("./websocket.js").Report} said */
  handle(said) {
    if (said.isUnsupported && this.stream !== null) {
      this.cannotPlay.add(this.stream.kind);
      this.source = null;
      this.begin();
      return;
    }
    if (said.failed !== undefined) {
      this.pause(said.failed, said.isFinal ?? false);
      return;
    }
    if (said.isRenewed) this.freeze();
    if (said.phase === "playing") {
      const shows = this.status.way === "snapshots" ? "still" : "moving";
      setAttribute(this.element, "data-shows", shows);
    }
    this.change({
      ...(said.phase === undefined ? {} : { phase: said.phase }),
      ...(said.standIn === undefined ? {} : { standIn: said.standIn }),
      ...(said.tracks === undefined ? {} : { hasAudio: said.tracks.audio !== null }),
    });
  }

  pause(words, isFinal) {
    this.drop();
    if (isFinal) {
      this.change({ phase: "ended", words });
      return;
    }
    if (performance.now() - this.startedMs > PROVEN_MS) this.backoff.reset();
    this.change({ phase: "connecting", words });
    this.timer = setTimeout(() => this.begin(), this.backoff.next());
  }

  change(part) {
    this.status = { ...this.status, ...part };
    this.onChange(this.status);
  }
}

/** Live video by HLS in the video element itself, for browsers without a media source. */

import { hlsUrl } from "../core/api.js";
import { every } from "../core/ticker.js";

const TICK_MS = 1000;
const STUCK_MS = 20_000;
const FAR_S = 12;

export class NativeSource {
  /**
   * @param {HTMLVideoElement} video @param {{camera: string, kind: string}} what
   * @param {(report: import("./websocket.js").Report) => void} report
   */
  constructor(video, what, report) {
    this.video = video;
    this.report = report;
    this.isOver = false;
    this.isEnding = false;
    this.position = { s: -1, movedMs: performance.now() };
    this.handlers = {
      playing: () => report({ phase: "playing" }),
      waiting: () => report({ phase: "waiting" }),
      error: () => this.end({ failed: "the browser could not go on playing" }),
    };
    for (const [name, handler] of Object.entries(this.handlers)) video.addEventListener(name, handler);
    video.src = hlsUrl(what.camera, what.kind);
    video.play().catch(() => {});
    this.endTicks = every(TICK_MS, (nowMs) => this.tick(nowMs));
  }

  /** A phone that slept resumes far behind: go back to the edge. */
  tick(nowMs) {
    const { currentTime, seekable } = this.video;
    if (currentTime !== this.position.s) this.position = { s: currentTime, movedMs: nowMs };
    else if (nowMs - this.position.movedMs > STUCK_MS) this.end({ failed: "playback stands still" });
    const endS = seekable.length > 0 ? seekable.end(seekable.length - 1) : 0;
    if (Number.isFinite(endS) && endS - currentTime > FAR_S) this.video.currentTime = endS;
  }

  /** The picture is still there while it is told: the view keeps it. */
  end(report) {
    if (this.isOver || this.isEnding) return;
    this.isEnding = true;
    this.report(report);
    this.stop();
  }

  stop() {
    if (this.isOver) return;
    this.isOver = true;
    this.endTicks();
    for (const [name, handler] of Object.entries(this.handlers)) {
      this.video.removeEventListener(name, handler);
    }
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}

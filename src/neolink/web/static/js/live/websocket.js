/**
 * Live video by WebSocket and media source. One connection, one player; whoever made it starts
 * another one when it ends.
 *
 * Messages: docs/live.md. A frame of text tells what the next binary frames are.
 */

import { liveUrl } from "../core/api.js";
import { every } from "../core/ticker.js";
import { MsePlayer } from "./mse.js";
import { mediaSourceClass } from "./ways.js";

const TICK_MS = 250;
const SILENCE_MS = 15_000;

/**
 * @typedef {object} Report what a source tells the view; every key may be absent
 * @property {"playing"|"waiting"} [phase]
 * @property {string|null} [standIn] why a stand-in picture is shown; null: it is live
 * @property {{audio: any}} [tracks]
 * @property {true} [isRenewed] the picture goes for a moment, the next one is under way
 * @property {string} [failed] it is over, and why
 * @property {boolean} [isFinal] somebody ended it on purpose: do not start it again
 * @property {boolean} [isUnsupported] this browser cannot play it
 */

export class WebSocketSource {
  /**
   * @param {HTMLVideoElement} video
   * @param {{camera: string, kind: string, wantsAudio: boolean, isEager: boolean}} what
   * @param {(report: Report) => void} report
   */
  constructor(video, what, report) {
    this.video = video;
    this.what = what;
    this.report = report;
    this.isOver = false;
    this.isEnding = false;
    /** @type {MsePlayer|null} */
    this.player = null;
    this.mime = "";
    this.expectsInit = false;
    this.heardMs = performance.now();
    this.onPlaying = () => report({ phase: "playing" });
    this.onWaiting = () => report({ phase: "waiting" });
    video.addEventListener("playing", this.onPlaying);
    video.addEventListener("waiting", this.onWaiting);
    this.endTicks = every(TICK_MS, (nowMs) => this.tick(nowMs));
    this.socket = new WebSocket(liveUrl(what.camera, what.kind, what.wantsAudio));
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("message", ({ data }) => this.receive(data));
    this.socket.addEventListener("close", () => this.end({ failed: "the connection ended" }));
  }

  receive(data) {
    this.heardMs = performance.now();
    if (typeof data === "string") this.handle(JSON.parse(data));
    else if (this.expectsInit) this.receiveInit(data);
    else this.player?.media(data);
  }

  handle(message) {
    switch (message.type) {
      case "init":
        this.mime = message.mime;
        this.expectsInit = true;
        this.report({ tracks: { audio: message.audio ?? null } });
        break;
      case "stand_in":
        this.report({ standIn: message.reason || "no live picture" });
        break;
      case "live":
        this.report({ standIn: null });
        break;
      case "end":
        this.end({ failed: message.reason || "the bridge ended it", isFinal: isOnPurpose(message) });
        break;
      default: // "skipped" needs nothing: playback jumps over the gap; others are of the future
    }
  }

  receiveInit(bytes) {
    this.expectsInit = false;
    if (!mediaSourceClass().isTypeSupported(this.mime)) {
      this.end({ isUnsupported: true });
      return;
    }
    if (this.player !== null && !this.player.takes(this.mime)) {
      this.report({ isRenewed: true });
      this.player.close();
      this.player = null;
    }
    this.player ??= new MsePlayer(this.video, {
      isEager: this.what.isEager,
      onTrouble: (words) => this.end({ failed: words }),
    });
    this.player.init(this.mime, bytes);
  }

  tick(nowMs) {
    this.player?.tick(nowMs);
    if (nowMs - this.heardMs > SILENCE_MS) this.end({ failed: "nothing came for a while" });
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
    this.video.removeEventListener("playing", this.onPlaying);
    this.video.removeEventListener("waiting", this.onWaiting);
    this.player?.close();
    this.socket.close();
  }
}

function isOnPurpose({ reason }) {
  return /\b(kicked|ended by|permission)\b/i.test(reason ?? "");
}

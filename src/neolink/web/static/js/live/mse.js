/**
 * Plays a live stream of fragments in a video element: one source buffer, a bounded queue in front
 * of it, playback kept near the live edge, old pictures removed.
 *
 * What to do when is decided in policy.js; here it is done. Hot: `media` runs once per fragment.
 * Wall tiles append in batches, four times a second; the camera page appends at once.
 */

import { parseFragment, parseInit } from "./fmp4.js";
import { Pending } from "./pending.js";
import { decide, holdsBack, trimPoint } from "./policy.js";
import { mediaSourceClass } from "./ways.js";

const MAX_PENDING_BYTES = 16 << 20;
const KEEP_S = 4;
const STUCK_MS = 4000;
const SILENT_BUFFER_MS = 6000;

export class MsePlayer {
  /**
   * @param {HTMLVideoElement} video
   * @param {{isEager: boolean, onTrouble: (words: string) => void}} options
   */
  constructor(video, { isEager, onTrouble }) {
    this.video = video;
    this.isEager = isEager;
    this.onTrouble = onTrouble;
    this.pending = new Pending(MAX_PENDING_BYTES);
    /** @type {number[]} */
    this.keyTimesS = [];
    this.tracks = null;
    /** @type {SourceBuffer|null} */
    this.buffer = null;
    /** What the buffer is set to, and what was given last. */
    this.mime = "";
    this.newestMime = "";
    this.isClosed = false;
    this.hasFailed = false;
    this.fillingSinceMs = performance.now();
    this.isFilling = true;
    this.progress = { positionS: -1, movedMs: 0, endS: -1, grewMs: 0, jumps: 0 };
    this.source = new (mediaSourceClass())();
    this.source.addEventListener("sourceopen", () => this.pump(), { once: true });
    video.disableRemotePlayback = true; // a managed source opens only then
    this.url = URL.createObjectURL(this.source);
    video.src = this.url;
    this.onVideoError = () => this.fail("the browser cannot decode the picture");
    video.addEventListener("error", this.onVideoError);
  }

  /** @param {string} mime @param {ArrayBuffer} bytes an init segment */
  init(mime, bytes) {
    this.tracks = parseInit(bytes);
    this.newestMime = mime;
    this.pending.pushInit(mime, new Uint8Array(bytes));
    this.pump();
  }

  /**
   * Sound that comes or goes changes the number of tracks, which no source buffer allows.
   * @param {string} mime @returns {boolean} whether an init segment of this kind can follow
   */
  takes(mime) {
    return countCodecs(mime) === countCodecs(this.newestMime || mime);
  }

  /** @param {ArrayBuffer} bytes a fragment */
  media(bytes) {
    if (this.isClosed || this.tracks === null) return;
    const found = parseFragment(bytes, this.tracks);
    if (found?.isKey) this.keyTimesS.push(found.timeS);
    this.pending.pushMedia(new Uint8Array(bytes), found?.isKey ?? false);
    if (this.isEager || this.isFilling) this.pump();
  }

  /** Hand on what waits, if the browser is ready for it. */
  pump() {
    if (this.isClosed || this.source.readyState !== "open" || this.buffer?.updating) return;
    if (this.buffer !== null && this.trim(KEEP_S)) return;
    const entry = this.pending.take();
    if (entry === null) return;
    try {
      if (entry.type === "init") this.prepare(entry.mime);
      this.buffer?.appendBuffer(entry.bytes);
    } catch (error) {
      this.handleRefusal(error, entry);
    }
  }

  prepare(mime) {
    if (this.buffer !== null) {
      if (mime !== this.mime) this.buffer.changeType(mime);
    } else {
      this.buffer = this.source.addSourceBuffer(mime);
      this.buffer.addEventListener("updateend", () => this.isEager && this.pump());
      this.buffer.addEventListener("error", () => this.fail("the browser refused a fragment"));
    }
    this.mime = mime;
  }

  /** The browser's buffer is full: make room; what waits is tried again at the next tick. */
  handleRefusal(error, entry) {
    if (error.name !== "QuotaExceededError" || entry.type === "init") {
      this.fail(error.message);
      return;
    }
    this.pending.putBack(entry.bytes);
    if (!this.trim(0)) this.pending.shorten();
  }

  /** @returns {boolean} whether a removal is under way */
  trim(keepS) {
    if (this.buffer === null || this.keyTimesS.length < 2) return false;
    const upToS = trimPoint(this.keyTimesS, this.video.currentTime, keepS);
    if (upToS === null) return false;
    this.keyTimesS = this.keyTimesS.filter((timeS) => timeS > upToS);
    this.buffer.remove(0, upToS);
    return true;
  }

  /** Four times a second: append, stay near the live edge, notice when nothing moves. */
  tick(nowMs) {
    if (this.isClosed) return;
    this.pump();
    if (this.buffer === null || this.video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    const ranges = toRanges(this.buffer.buffered);
    const video = this.video;
    const { seekToS, rate, lagS } = decide({
      positionS: video.currentTime,
      ranges,
      rate: video.playbackRate,
    });
    if (seekToS !== null) video.currentTime = seekToS;
    if (video.playbackRate !== rate) video.playbackRate = rate;
    const endS = ranges.at(-1)?.[1] ?? -1;
    this.hold(nowMs, seekToS === null || lagS === null ? lagS : endS - seekToS);
    this.watch(nowMs, endS, lagS);
  }

  hold(nowMs, lagS) {
    const isFilling = holdsBack({
      isFilling: this.isFilling,
      fillingMs: nowMs - this.fillingSinceMs,
      lagS,
      isStarved: this.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA,
    });
    if (isFilling && !this.isFilling) this.fillingSinceMs = nowMs;
    this.isFilling = isFilling;
    if (isFilling && !this.video.paused) this.video.pause();
    if (!isFilling && this.video.paused) this.video.play().catch(() => {});
  }

  watch(nowMs, endS, lagS) {
    const progress = this.progress;
    if (endS !== progress.endS || this.pending.isEmpty) {
      Object.assign(progress, { endS, grewMs: nowMs });
    }
    if (this.video.currentTime !== progress.positionS || (lagS ?? 0) < 0.5 || this.isFilling) {
      Object.assign(progress, { positionS: this.video.currentTime, movedMs: nowMs });
    }
    if (nowMs - progress.grewMs > SILENT_BUFFER_MS) this.fail("fragments come, but no picture");
    if (nowMs - progress.movedMs < STUCK_MS) return;
    progress.jumps += 1;
    progress.movedMs = nowMs;
    if (progress.jumps > 2) this.fail("playback stands still");
    else this.video.currentTime = endS - 0.3;
  }

  fail(words) {
    if (this.isClosed || this.hasFailed) return;
    this.hasFailed = true;
    this.onTrouble(words);
    this.close();
  }

  /** Give back the buffer, the decoder and the memory. */
  close() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.video.removeEventListener("error", this.onVideoError);
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.url);
    this.pending = new Pending(0);
    this.buffer = null;
  }
}

function countCodecs(mime) {
  return mime.split(",").length;
}

function toRanges(buffered) {
  return Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]);
}

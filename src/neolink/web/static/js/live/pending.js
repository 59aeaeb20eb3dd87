/**
 * What arrived and is not yet handed to the browser's buffer. Pure, bounded.
 *
 * When too much waits (a tab that was frozen, a buffer that is full), everything before the newest
 * key frame is dropped; without one, all is, and what follows is refused until the next key frame.
 */

/** @typedef {{type: "init", mime: string, bytes: Uint8Array}} InitEntry */
/** @typedef {{type: "media", bytes: Uint8Array}} MediaEntry */

export class Pending {
  /** @param {number} maxBytes what may wait @param {number} batchBytes what is taken at once */
  constructor(maxBytes, batchBytes = 1 << 20) {
    this.maxBytes = maxBytes;
    this.batchBytes = batchBytes;
    this.bytes = 0;
    /** How many fragments were dropped because too much waited. */
    this.dropped = 0;
    this.needsKey = false;
    /** @type {{type: string, mime?: string, bytes: Uint8Array, isKey: boolean}[]} */
    this.entries = [];
  }

  get isEmpty() {
    return this.entries.length === 0;
  }

  /** @param {string} mime @param {Uint8Array} bytes */
  pushInit(mime, bytes) {
    this.entries.push({ type: "init", mime, bytes, isKey: false });
    this.bytes += bytes.length;
    this.needsKey = false;
  }

  /** @param {Uint8Array} bytes @param {boolean} isKey */
  pushMedia(bytes, isKey) {
    if (this.needsKey && !isKey) {
      this.dropped += 1;
      return;
    }
    this.needsKey = false;
    this.entries.push({ type: "media", bytes, isKey });
    this.bytes += bytes.length;
    if (this.bytes > this.maxBytes) this.shorten();
  }

  /** @returns {InitEntry|MediaEntry|null} an init segment, or fragments joined; null: nothing */
  take() {
    const first = this.entries[0];
    if (first === undefined) return null;
    if (first.type === "init") {
      this.entries.shift();
      this.bytes -= first.bytes.length;
      return { type: "init", mime: first.mime ?? "", bytes: first.bytes };
    }
    let count = 0;
    let size = 0;
    for (const entry of this.entries) {
      if (entry.type !== "media" || (count > 0 && size + entry.bytes.length > this.batchBytes)) break;
      size += entry.bytes.length;
      count += 1;
    }
    const taken = this.entries.splice(0, count);
    this.bytes -= size;
    return { type: "media", bytes: taken.length === 1 ? taken[0].bytes : join(taken, size) };
  }

  /** @param {Uint8Array} bytes what the browser refused for now; it is taken again first */
  putBack(bytes) {
    this.entries.unshift({ type: "media", bytes, isKey: false });
    this.bytes += bytes.length;
  }

  /** Drop media that waits; init segments stay, playback resumes at a key frame. */
  shorten() {
    const newestInit = this.entries.findLastIndex(({ type }) => type === "init");
    const newestKey = this.entries.findLastIndex(({ isKey }) => isKey);
    const isUseful = newestKey > newestInit && this.sizeFrom(newestKey) <= this.maxBytes;
    const kept = this.entries.filter(
      (entry, at) => entry.type === "init" || (isUseful && at >= newestKey),
    );
    this.dropped += this.entries.length - kept.length;
    this.needsKey = !isUseful;
    this.entries = kept;
    this.bytes = this.sizeFrom(0);
  }

  sizeFrom(place) {
    return this.entries.slice(place).reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

function join(entries, size) {
  const joined = new Uint8Array(size);
  let at = 0;
  for (const { bytes } of entries) {
    joined.set(bytes, at);
    at += bytes.length;
  }
  return joined;
}

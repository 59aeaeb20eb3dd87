/**
 * The little that a player must know of fragmented MP4 (ISO 14496-12): which track is the video,
 * when a fragment begins, whether it begins with a key frame. Pure; nothing is copied.
 *
 * Called once per fragment and tile: it looks at the first few hundred bytes only.
 */

const NOT_SYNC = 0x0001_0000;

/**
 * @typedef {object} Tracks
 * @property {number} videoId
 * @property {number} timescale of the video
 * @property {number} defaultFlags of its samples
 */

/** @param {ArrayBuffer|Uint8Array} bytes an init segment @returns {Tracks|null} without video: null */
export function parseInit(bytes) {
  const view = toView(bytes);
  const moov = find(view, 0, view.byteLength, "moov");
  if (moov === null) return null;
  for (const trak of boxes(view, moov.start, moov.end, "trak")) {
    const found = readTrack(view, trak);
    if (found !== null) return { ...found, defaultFlags: readTrex(view, moov, found.videoId) };
  }
  return null;
}

/**
 * @param {ArrayBuffer|Uint8Array} bytes a fragment @param {Tracks} tracks
 * @returns {{timeS: number, isKey: boolean}|null} null: no video in it
 */
export function parseFragment(bytes, tracks) {
  const view = toView(bytes);
  const moof = find(view, 0, view.byteLength, "moof");
  if (moof === null) return null;
  for (const traf of boxes(view, moof.start, moof.end, "traf")) {
    const tfhd = find(view, traf.start, traf.end, "tfhd");
    if (tfhd === null || view.getUint32(tfhd.start + 4) !== tracks.videoId) continue;
    const flags = firstSampleFlags(view, traf, tfhd, tracks.defaultFlags);
    return { timeS: readTime(view, traf) / tracks.timescale, isKey: (flags & NOT_SYNC) === 0 };
  }
  return null;
}

function readTrack(view, trak) {
  const mdia = find(view, trak.start, trak.end, "mdia");
  const tkhd = find(view, trak.start, trak.end, "tkhd");
  if (mdia === null || tkhd === null) return null;
  const hdlr = find(view, mdia.start, mdia.end, "hdlr");
  const mdhd = find(view, mdia.start, mdia.end, "mdhd");
  if (hdlr === null || mdhd === null || nameAt(view, hdlr.start + 8) !== "vide") return null;
  return {
    videoId: view.getUint32(tkhd.start + (view.getUint8(tkhd.start) === 1 ? 20 : 12)),
    timescale: view.getUint32(mdhd.start + (view.getUint8(mdhd.start) === 1 ? 20 : 12)),
  };
}

function readTrex(view, moov, trackId) {
  const mvex = find(view, moov.start, moov.end, "mvex");
  if (mvex === null) return 0;
  for (const trex of boxes(view, mvex.start, mvex.end, "trex")) {
    if (view.getUint32(trex.start + 4) === trackId) return view.getUint32(trex.start + 20);
  }
  return 0;
}

function readTime(view, traf) {
  const tfdt = find(view, traf.start, traf.end, "tfdt");
  if (tfdt === null) return 0;
  return view.getUint8(tfdt.start) === 1
    ? Number(view.getBigUint64(tfdt.start + 4))
    : view.getUint32(tfdt.start + 4);
}

/** The nearest word counts: the sample's own flags, the fragment's defaults, the track's. */
function firstSampleFlags(view, traf, tfhd, trackDefault) {
  const trun = find(view, traf.start, traf.end, "trun");
  if (trun === null) return NOT_SYNC;
  const has = view.getUint32(trun.start) & 0xff_ffff;
  const first = trun.start + 8 + (has & 1 ? 4 : 0);
  if (has & 4) return view.getUint32(first);
  if (has & 0x400) return view.getUint32(first + (has & 0x100 ? 4 : 0) + (has & 0x200 ? 4 : 0));
  const fields = view.getUint32(tfhd.start) & 0xff_ffff;
  if (!(fields & 0x20)) return trackDefault;
  const before = (fields & 1 ? 8 : 0) + [2, 8, 0x10].filter((bit) => fields & bit).length * 4;
  return view.getUint32(tfhd.start + 8 + before);
}

function find(view, start, end, name) {
  for (const box of boxes(view, start, end, name)) return box;
  return null;
}

/** Boxes of that name, as the places of their contents; a broken length ends the walk. */
function* boxes(view, start, end, name) {
  let at = start;
  while (at + 8 <= end) {
    const length = view.getUint32(at);
    if (length < 8) return;
    if (nameAt(view, at + 4) === name) yield { start: at + 8, end: Math.min(at + length, end) };
    at += length;
  }
}

function nameAt(view, at) {
  if (at + 4 > view.byteLength) return "";
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  );
}

function toView(bytes) {
  return bytes instanceof ArrayBuffer
    ? new DataView(bytes)
    : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Which way this browser can show a stream, and which stream a tile shows. Decisions are pure;
 * `ABILITIES` asks the browser once.
 *
 * The ways, best first: "mse" (WebSocket and a media source, managed or not), "native" (HLS in
 * the video element itself: older iPhones), "snapshots" (a picture every few seconds).
 */

/** @typedef {"mse"|"native"|"snapshots"} Way */

/**
 * @typedef {object} Abilities
 * @property {boolean} hasMse
 * @property {boolean} hasNativeHls
 * @property {boolean} playsH265 by the way that is used
 */

const SAMPLE_H265 = 'video/mp4; codecs="hvc1.1.6.L120.B0"';
const STREAM_ORDER = { wall: ["sub", "main", "extern"], camera: ["main", "sub", "extern"] };

/** @returns {any} the media source class; the managed one is the only one on iPhones */
export function mediaSourceClass() {
  return globalThis.ManagedMediaSource ?? globalThis.MediaSource ?? null;
}

/** @returns {Abilities} */
export function findAbilities() {
  const source = mediaSourceClass();
  const probe = typeof document === "undefined" ? null : document.createElement("video");
  const hasNativeHls = (probe?.canPlayType("application/vnd.apple.mpegurl") ?? "") !== "";
  const hasMse = source !== null && "WebSocket" in globalThis;
  return {
    hasMse,
    hasNativeHls,
    playsH265: hasMse
      ? source.isTypeSupported(SAMPLE_H265)
      : (probe?.canPlayType(SAMPLE_H265) ?? "") !== "",
  };
}

/**
 * @param {{codec: string}|null} video what the stream is, if known @param {Abilities} abilities
 * @returns {Way}
 */
export function chooseWay(video, abilities) {
  if (video?.codec === "H265" && !abilities.playsH265) return "snapshots";
  if (abilities.hasMse) return "mse";
  return abilities.hasNativeHls ? "native" : "snapshots";
}

/**
 * @template {{kind: string, video: {codec: string}|null}} S
 * @param {S[]} streams @param {"wall"|"camera"} place @param {Abilities} abilities
 * @returns {S|null} the usual stream of this place, unless only another one can be played
 */
export function chooseStream(streams, place, abilities) {
  const order = STREAM_ORDER[place];
  const sorted = [...streams].sort((a, b) => rank(order, a) - rank(order, b));
  const playable = sorted.find(({ video }) => chooseWay(video, abilities) !== "snapshots");
  return playable ?? sorted[0] ?? null;
}

/**
 * Whether to play without being asked: a battery camera is left asleep until somebody asks.
 * @param {{health: {state: string}, battery_percent: number|null}} camera
 * @param {boolean} wasAsked
 */
export function playsByItself(camera, wasAsked) {
  if (camera.health.state === "disabled") return false;
  const isFrugal = camera.health.state === "asleep" || camera.battery_percent !== null;
  return wasAsked || !isFrugal;
}

function rank(order, { kind }) {
  const place = order.indexOf(kind);
  return place < 0 ? order.length : place;
}

/**
 * Numbers and times as people read them. Pure: values in, words out.
 *
 * Not here: what a state means (health.js), anything that touches the page.
 */

const NO_VALUE = "–";

/** @param {number|null|undefined} fps @returns {string} "15 fps", "12.4 fps" */
export function formatFps(fps) {
  if (fps === null || fps === undefined) return NO_VALUE;
  return `${formatNumber(fps)} fps`;
}

/** @param {number|null|undefined} bps bits per second @returns {string} "412 kbit/s" */
export function formatBitrate(bps) {
  if (bps === null || bps === undefined) return NO_VALUE;
  if (bps < 999_500) return `${Math.round(bps / 1000)} kbit/s`;
  return `${(bps / 1e6).toFixed(bps < 9.95e6 ? 1 : 0)} Mbit/s`;
}

/** @param {number|null|undefined} size @returns {string} "0 B", "12 kB", "3.4 MB" */
export function formatBytes(size) {
  if (size === null || size === undefined) return NO_VALUE;
  if (size < 1000) return `${size} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = size / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/**
 * @param {number|null|undefined} seconds
 * @returns {string} "40 ms", "4 s", "3 min", "2 h 5 min", "5 d 3 h"
 */
export function formatDuration(seconds) {
  if (seconds === null || seconds === undefined) return NO_VALUE;
  if (seconds < 0.9995 && seconds > 0) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${formatNumber(seconds)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return joinUnits(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(seconds / 3600);
  return joinUnits(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** @param {number|null|undefined} share 0 to 1 @returns {string} "0 %", "1.2 %" */
export function formatShare(share) {
  if (share === null || share === undefined) return NO_VALUE;
  const percent = share * 100;
  return `${percent > 0 && percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** @param {number} value @returns {string} one decimal, unless it would be 0 */
export function formatNumber(value) {
  const rounded = Math.round(value * 10) / 10;
  return Number.isInteger(rounded) ? String(rounded) : rounded.toFixed(1);
}

/** @param {number} count @param {string} one @param {string} [many] @returns {string} */
export function formatCount(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/**
 * A moment as a clock shows it; with the day as soon as it is not today.
 * @param {string} iso @param {Date} now @param {{withSeconds?: boolean}} [options]
 * @returns {string} "14:02", "Fri 14:02", "3 Nov 14:02"
 */
export function formatMoment(iso, now, { withSeconds = false } = {}) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return NO_VALUE;
  const clock = at.toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(withSeconds ? { second: "2-digit" } : {}),
  });
  if (at.toDateString() === now.toDateString()) return clock;
  const days = (now.getTime() - at.getTime()) / 86_400_000;
  const day =
    days >= 0 && days < 6
      ? at.toLocaleDateString("en-GB", { weekday: "short" })
      : at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return `${day} ${clock}`;
}

function joinUnits(major, majorUnit, minor, minorUnit) {
  return minor === 0
    ? `${major} ${majorUnit}`
    : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}

/** A picture as a file on the disk of whoever looks at the page. */

import { h } from "../core/dom.js";
import { formatDuration } from "../words/format.js";

const OLD_S = 10;

/**
 * @param {Blob} picture @param {string} camera @param {number|null} ageS null: of an earlier run
 * @returns {string} what was done, in words
 */
export function savePicture(picture, camera, ageS) {
  const url = URL.createObjectURL(picture);
  const name = fileName(camera, new Date());
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  if (ageS === null) return `Saved ${name}: the last picture of an earlier run.`;
  return ageS > OLD_S ? `Saved ${name}: a picture from ${formatDuration(ageS)} ago.` : `Saved ${name}.`;
}

/** @param {string} camera @param {Date} at @returns {string} "porch 2026-03-01 14.02.07.jpg" */
export function fileName(camera, at) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`;
  return `${camera.replace(/[\\/:*?"<>|]/g, "_")} ${day} ${time}.jpg`;
}

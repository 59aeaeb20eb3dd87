import assert from "node:assert/strict";
import test from "node:test";

import {
  formatBitrate,
  formatBytes,
  formatCount,
  formatDuration,
  formatFps,
  formatMoment,
  formatShare,
} from "../page/words/format.js";

/** @param {(value: any) => string} format @param {[any, string][]} table */
function check(format, table) {
  for (const [value, words] of table) assert.equal(format(value), words, `of ${value}`);
}

test("what is not known is a dash", () => {
  for (const format of [formatFps, formatBitrate, formatBytes, formatDuration, formatShare]) {
    check(format, [[null, "–"], [undefined, "–"]]);
  }
});

test("rates have one decimal at most", () => {
  check(formatFps, [[15, "15 fps"], [12.44, "12.4 fps"], [0, "0 fps"], [14.96, "15 fps"]]);
  check(formatBitrate, [[0, "0 kbit/s"], [412_300, "412 kbit/s"], [999_500, "1.0 Mbit/s"], [8e6, "8.0 Mbit/s"], [12.3e6, "12 Mbit/s"]]);
});

test("sizes turn over at a thousand", () => {
  check(formatBytes, [[0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [12_345, "12 kB"], [999_499, "999 kB"], [999_500, "1.0 MB"], [3.6e9, "3.6 GB"], [5e15, "5000 TB"]]);
});

test("durations have the two largest units", () => {
  check(formatDuration, [[0, "0 s"], [0.0396, "40 ms"], [0.9999, "1 s"], [1.25, "1.3 s"], [9.96, "10 s"], [59.6, "1 min"], [3600, "1 h"], [7500, "2 h 5 min"], [86_399, "1 d"], [442_800, "5 d 3 h"]]);
});

test("shares and counts read well", () => {
  check(formatShare, [[0, "0 %"], [0.0123, "1.2 %"], [0.5, "50 %"]]);
  assert.equal(formatCount(1, "viewer"), "1 viewer");
  assert.equal(formatCount(2, "viewer"), "2 viewers");
  assert.equal(formatCount(2, "battery", "batteries"), "2 batteries");
});

test("a moment names its day as soon as it is not today", () => {
  const now = new Date(2026, 10, 28, 18, 0);
  const at = (...parts) => formatMoment(new Date(...parts).toISOString(), now);
  assert.equal(at(2026, 10, 28, 14, 2), "14:02");
  assert.equal(at(2026, 10, 27, 14, 2), "Fri 14:02");
  assert.equal(at(2026, 10, 3, 14, 2), "3 Nov 14:02");
  assert.equal(formatMoment("nonsense", now), "–");
});

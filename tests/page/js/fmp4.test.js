import assert from "node:assert/strict";
import test from "node:test";

import { parseFragment, parseInit } from "../page/live/fmp4.js";

/** @param {number[]} numbers @returns {number[]} each as four bytes */
const words = (...numbers) => numbers.flatMap((n) => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
const name = (text) => [...text].map((letter) => letter.charCodeAt(0));
const box = (type, ...parts) => {
  const body = parts.flat();
  return [...words(8 + body.length), ...name(type), ...body];
};

const track = (id, handler, timescale) =>
  box(
    "trak",
    box("tkhd", words(0, 0, 0, id)),
    box("mdia", box("mdhd", words(0, 0, 0, timescale)), box("hdlr", words(0, 0), name(handler))),
  );
const NOT_SYNC = 0x0001_0000;
const init = (...tracks) =>
  new Uint8Array(
    [box("ftyp", name("isom")), box("moov", ...tracks, box("mvex", box("trex", words(0, 1, 1, 0, 0, NOT_SYNC))))].flat(),
  );
const INIT = init(track(2, "soun", 16_000), track(1, "vide", 90_000));
const TRACKS = { videoId: 1, timescale: 90_000, defaultFlags: NOT_SYNC };

const traf = (id, tfhdFlags, tfhd, time, trun) =>
  box("traf", box("tfhd", words(tfhdFlags, id), tfhd), box("tfdt", words(0x0100_0000, 0, time)), box("trun", trun));
const fragment = (...trafs) => new Uint8Array([box("moof", box("mfhd", words(0, 1)), ...trafs), box("mdat", [1, 2, 3])].flat());

test("the video track is found among others", () => {
  assert.deepEqual(parseInit(INIT), TRACKS);
  assert.deepEqual(parseInit(INIT.buffer), TRACKS);
});

test("without video there is nothing to find", () => {
  assert.equal(parseInit(init(track(2, "soun", 16_000))), null);
  assert.equal(parseInit(new Uint8Array([])), null);
});

test("a fragment tells its time and whether it begins with a key frame", () => {
  const key = fragment(traf(1, 0x2_0000, [], 180_000, words(0x000005, 1, 0, 0)));
  assert.deepEqual(parseFragment(key, TRACKS), { timeS: 2, isKey: true });
  const other = fragment(traf(1, 0x2_0000, [], 180_000, words(0x000005, 1, 0, NOT_SYNC)));
  assert.deepEqual(parseFragment(other, TRACKS), { timeS: 2, isKey: false });
});

test("flags of the sample, the fragment and the track count in this order", () => {
  const bySample = fragment(traf(1, 0x2_0020, words(NOT_SYNC), 0, words(0x000400, 1, 0)));
  assert.equal(parseFragment(bySample, TRACKS)?.isKey, true);
  const byFragment = fragment(traf(1, 0x2_0020, words(0), 0, words(0, 1)));
  assert.equal(parseFragment(byFragment, TRACKS)?.isKey, true);
  const byTrack = fragment(traf(1, 0x2_0000, [], 0, words(0, 1)));
  assert.equal(parseFragment(byTrack, TRACKS)?.isKey, false);
});

test("sound alone is no picture", () => {
  assert.equal(parseFragment(fragment(traf(2, 0, [], 0, words(0, 1))), TRACKS), null);
});

test("broken bytes give nothing, and never fail", () => {
  const whole = fragment(traf(1, 0x2_0000, [], 180_000, words(0x000005, 1, 0, 0)));
  for (let length = 0; length < whole.length; length += 1) {
    try {
      parseFragment(whole.slice(0, length), TRACKS);
    } catch (error) {
      assert.ok(error instanceof RangeError, String(error));
    }
  }
});

import assert from "node:assert/strict";
import test from "node:test";

import { Pending } from "../page/live/pending.js";
import { decide, FASTER, holdsBack, SLOWER, trimPoint } from "../page/live/policy.js";
import { chooseStream, chooseWay, playsByItself } from "../page/live/ways.js";

const at = (positionS, ranges, rate = 1) => decide({ positionS, ranges, rate });

test("nothing buffered, nothing to do", () => {
  assert.deepEqual(at(0, []), { seekToS: null, rate: 1, lagS: null });
});

test("playback begins just behind the newest picture", () => {
  assert.equal(at(0, [[100, 104]]).seekToS, 103.4);
  assert.equal(at(0, [[100, 100.2]]).seekToS, 100);
});

test("a small lag is made up by speed, and kept up until it is gone", () => {
  assert.equal(at(8.8, [[0, 10]]).rate, FASTER);
  assert.equal(at(9.2, [[0, 10]]).rate, 1);
  assert.equal(at(9.2, [[0, 10]], FASTER).rate, FASTER);
  assert.equal(at(9.5, [[0, 10]], FASTER).rate, 1);
  assert.equal(at(9.9, [[0, 10]]).rate, SLOWER);
  assert.equal(at(9.5, [[0, 10]], SLOWER).rate, SLOWER);
  assert.equal(at(9.3, [[0, 10]], SLOWER).rate, 1);
});

test("a large lag is jumped over", () => {
  assert.equal(at(2, [[0, 10]]).seekToS, 9.4);
});

test("what is before a gap is played to its end, if that is soon", () => {
  assert.equal(at(8, [[0, 8.5], [9, 10]]).seekToS, null);
  assert.equal(at(8.48, [[0, 8.5], [9, 10]]).seekToS, 9.4);
  assert.equal(at(2, [[0, 8.5], [9, 10]]).seekToS, 9.4);
});

test("playback waits for a buffer, but not for ever", () => {
  const now = { isFilling: true, fillingMs: 100, lagS: 0.2, isStarved: true };
  assert.equal(holdsBack(now), true);
  assert.equal(holdsBack({ ...now, lagS: 0.5 }), false);
  assert.equal(holdsBack({ ...now, fillingMs: 1600 }), false);
  assert.equal(holdsBack({ ...now, lagS: null, fillingMs: 9000 }), true);
  assert.equal(holdsBack({ ...now, isFilling: false, lagS: 0.05 }), true);
  assert.equal(holdsBack({ ...now, isFilling: false, isStarved: false, lagS: 0.05 }), false);
});

test("old pictures go up to a key frame, never the group that plays", () => {
  assert.equal(trimPoint([0, 2, 4, 6], 9, 4), 3.95);
  assert.equal(trimPoint([0, 2, 4, 6], 3, 4), null);
  assert.equal(trimPoint([4, 6], 9, 4), null);
});

const bytes = (size) => new Uint8Array(size);

test("fragments are joined, and never with what begins anew", () => {
  const pending = new Pending(1000);
  pending.pushInit("video/mp4", bytes(10));
  pending.pushMedia(bytes(20), true);
  pending.pushMedia(bytes(30), false);
  pending.pushInit("video/mp4", bytes(10));
  assert.deepEqual([pending.take()?.type, pending.take()?.bytes.length, pending.take()?.type], ["init", 50, "init"]);
  assert.equal(pending.take(), null);
  assert.equal(pending.bytes, 0);
});

test("too much is dropped up to the newest key frame", () => {
  const pending = new Pending(100);
  for (const isKey of [true, false, false, true, false]) pending.pushMedia(bytes(25), isKey);
  assert.equal(pending.dropped, 3);
  assert.equal(pending.take()?.bytes.length, 50);
});

test("without a key frame nothing is kept until one comes", () => {
  const pending = new Pending(50);
  pending.pushMedia(bytes(40), false);
  pending.pushMedia(bytes(40), false);
  assert.ok(pending.isEmpty);
  pending.pushMedia(bytes(40), false);
  assert.ok(pending.isEmpty);
  pending.pushMedia(bytes(40), true);
  assert.equal(pending.take()?.bytes.length, 40);
  assert.equal(pending.dropped, 3);
});

const MODERN = { hasMse: true, hasNativeHls: false, playsH265: false };

test("the best way that the browser knows is taken", () => {
  assert.equal(chooseWay({ codec: "H264" }, MODERN), "mse");
  assert.equal(chooseWay(null, MODERN), "mse");
  assert.equal(chooseWay({ codec: "H265" }, MODERN), "snapshots");
  assert.equal(chooseWay({ codec: "H265" }, { ...MODERN, playsH265: true }), "mse");
  assert.equal(chooseWay({ codec: "H264" }, { hasMse: false, hasNativeHls: true, playsH265: false }), "native");
  assert.equal(chooseWay({ codec: "H264" }, { hasMse: false, hasNativeHls: false, playsH265: false }), "snapshots");
});

test("a tile shows sub, the camera page main, unless only another one can be played", () => {
  const streams = ["main", "sub"].map((kind) => ({ kind, video: { codec: "H264" } }));
  assert.equal(chooseStream(streams, "wall", MODERN)?.kind, "sub");
  assert.equal(chooseStream(streams, "camera", MODERN)?.kind, "main");
  streams[0].video = { codec: "H265" };
  assert.equal(chooseStream(streams, "camera", MODERN)?.kind, "sub");
  assert.equal(chooseStream([], "wall", MODERN), null);
});

test("no camera with a battery is woken unasked", () => {
  const camera = (state, battery = null) => ({ health: { state }, battery_percent: battery });
  assert.equal(playsByItself(camera("ok"), false), true);
  assert.equal(playsByItself(camera("ok", 80), false), false);
  assert.equal(playsByItself(camera("asleep"), false), false);
  assert.equal(playsByItself(camera("asleep", 80), true), true);
  assert.equal(playsByItself(camera("disabled"), true), false);
});

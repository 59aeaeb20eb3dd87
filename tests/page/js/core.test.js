import assert from "node:assert/strict";
import test from "node:test";

import { fileName } from "../page/camera/save.js";
import { nearest, niceCeiling, rangeOf, SPAN_MS, toPaths, toPoints } from "../page/camera/series.js";
import { Backoff } from "../page/core/backoff.js";
import { cameraLink, parseRoute } from "../page/core/router.js";

test("pauses grow, up to a limit, and begin anew", () => {
  const backoff = new Backoff(1000, 5000, () => 0.5);
  assert.deepEqual([1, 2, 3, 4, 5].map(() => backoff.next()), [1000, 2000, 4000, 5000, 5000]);
  backoff.reset();
  assert.equal(backoff.next(), 1000);
});

test("chance spreads attempts by a fifth", () => {
  assert.equal(new Backoff(1000, 5000, () => 0).next(), 800);
  assert.equal(Math.round(new Backoff(1000, 5000, () => 1).next()), 1200);
});

test("every name survives the way into an address and back", () => {
  for (const name of ["porch", "gar den", "a/b", "100 %", "Tür", "#?&", "..", "camera"]) {
    assert.deepEqual(parseRoute(cameraLink(name)), { view: "camera", name, kind: null });
    assert.deepEqual(parseRoute(cameraLink(name, "sub")), { view: "camera", name, kind: "sub" });
  }
});

test("everything else is the wall, and nothing fails", () => {
  for (const fragment of ["", "#", "#/", "#/camera", "#/camera/", "#main", "#/nonsense/porch"]) {
    assert.deepEqual(parseRoute(fragment), { view: "wall" });
  }
  assert.deepEqual(parseRoute("#/camera/%E0%A4%A"), { view: "camera", name: "%E0%A4%A", kind: null });
});

test("the upper edge of a graph is a round number", () => {
  assert.deepEqual([0, 1, 1.2, 24.9, 27.5, 99, 1234].map(niceCeiling), [1, 1, 1.5, 25, 30, 100, 1500]);
});

const START = Date.parse("2026-03-01T12:00:00Z");
const sample = (seconds, fps) => ({ at: new Date(START + seconds * 1000).toISOString(), fps });

test("points leave out what is not known", () => {
  const points = toPoints([sample(0, 15), sample(2, null), { at: "?", fps: 3 }], "fps");
  assert.deepEqual(points, [{ atMs: START, value: 15 }]);
  assert.equal(rangeOf([]), null);
  assert.deepEqual(rangeOf(toPoints([sample(0, 9), sample(2, 4), sample(4, 6)], "fps")), { low: 4, high: 9, last: 6 });
});

test("a line runs from the left to the right edge, and breaks where nothing was known", () => {
  const points = toPoints([sample(0, 10), sample(2, 5), sample(60, 10), sample(62, 20)], "fps");
  const { line, area } = toPaths(points, START + SPAN_MS, 10);
  assert.equal(line, "M0 0L2 32M60 0L62 0");
  assert.ok(area.startsWith("M0 0L2 32L2 64L0 64Z"));
  assert.deepEqual(toPaths([], START, 10), { line: "", area: "" });
  assert.equal(toPaths(points, START + SPAN_MS + 1000, 10).line.match(/M/g)?.length, 2);
});

test("the pointer finds the nearest moment, unless none is near", () => {
  const points = toPoints([sample(0, 10), sample(2, 5)], "fps");
  assert.equal(nearest(points, START + 1500)?.value, 5);
  assert.equal(nearest(points, START + 60_000), null);
  assert.equal(nearest([], START), null);
});

test("a saved picture has a name that every disk takes", () => {
  assert.equal(fileName("a/b:c", new Date(2026, 2, 1, 4, 2, 7)), "a_b_c 2026-03-01 04.02.07.jpg");
});

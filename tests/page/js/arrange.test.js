import assert from "node:assert/strict";
import test from "node:test";

import { arrange, columnsOf, commonRatio } from "../page/wall/arrange.js";
import { neighbour } from "../page/wall/roam.js";

const CAMERAS = [
  { name: "cam10", health: { state: "ok" } },
  { name: "Cam2", health: { state: "offline" } },
  { name: "attic", health: { state: "disabled" } },
  { name: "cam1", health: { state: "degraded" } },
];
const names = (choice) =>
  arrange(CAMERAS, { search: "", order: "config", onlyTroubled: false, ...choice }).map(({ name }) => name);

test("the order is that of the file, of names, or of need", () => {
  assert.deepEqual(names({}), ["cam10", "Cam2", "attic", "cam1"]);
  assert.deepEqual(names({ order: "name" }), ["attic", "cam1", "Cam2", "cam10"]);
  assert.deepEqual(names({ order: "attention" }), ["Cam2", "cam1", "cam10", "attic"]);
});

test("a search ignores case, and blanks around it", () => {
  assert.deepEqual(names({ search: " CAM1 " }), ["cam10", "cam1"]);
  assert.deepEqual(names({ search: "x" }), []);
});

test("only those that need attention", () => {
  assert.deepEqual(names({ onlyTroubled: true }), ["Cam2", "cam1"]);
});

test("the shape of most streams is that of the tiles, within reason", () => {
  const video = (width, height) => ({ width, height });
  assert.equal(commonRatio([]), 16 / 9);
  assert.equal(commonRatio([null, video(0, 0)]), 16 / 9);
  assert.equal(commonRatio([video(640, 360), video(640, 368), video(640, 480)]), 16 / 9);
  assert.equal(commonRatio([video(640, 480), video(1600, 1200), video(640, 360)]), 1.33);
  assert.equal(commonRatio([video(7680, 2160)]), 2.4);
});

test("more cameras, more columns", () => {
  assert.deepEqual([0, 1, 2, 4, 5, 9, 10, 64].map(columnsOf), [1, 1, 2, 2, 3, 3, 4, 4]);
});

test("arrows follow what is seen", () => {
  const boxes = [0, 1, 2, 3, 4].map((n) => ({ left: (n % 3) * 100, top: Math.floor(n / 3) * 80, width: 90, height: 70 }));
  const go = (from, key) => neighbour(boxes, from, key);
  assert.equal(go(0, "ArrowRight"), 1);
  assert.equal(go(2, "ArrowRight"), 3);
  assert.equal(go(0, "ArrowLeft"), null);
  assert.equal(go(1, "ArrowDown"), 4);
  assert.equal(go(2, "ArrowDown"), 4);
  assert.equal(go(4, "ArrowUp"), 1);
  assert.equal(go(4, "ArrowDown"), null);
  assert.equal(go(2, "Home"), 0);
  assert.equal(go(2, "End"), 4);
});

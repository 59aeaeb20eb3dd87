import assert from "node:assert/strict";
import test from "node:test";

import { explain, meaningOf, severityOf, summarize, toSentence } from "../page/words/health.js";

const NOW = new Date(2026, 10, 28, 18, 0);
const SINCE = new Date(2026, 10, 28, 14, 2).toISOString();

const health = (state, changes = {}) => ({ state, reasons: [], since: SINCE, doing: "", ...changes });
const camera = (name, state) => ({ name, health: health(state) });

test("every state has a word, and an unknown one its own", () => {
  assert.equal(meaningOf("auth_failed").word, "login refused");
  assert.equal(meaningOf("dreaming").word, "dreaming");
  assert.ok(meaningOf("dreaming").needsAttention);
  assert.equal(severityOf("dreaming"), severityOf("degraded"));
});

test("offline is explained with since, why and what is done", () => {
  const ill = health("offline", { reasons: ["no route to host", "check power"], doing: "trying again in 9 s" });
  const told = explain(ill, NOW, 3.2);
  assert.equal(told.head, "offline since 14:02");
  assert.equal(told.why, "no route to host; check power");
  assert.equal(told.doing, "trying again in 4 s");
  assert.equal(toSentence(told), "offline since 14:02 – no route to host; check power; trying again in 4 s");
});

test("our countdown stands in the place of the bridge's", () => {
  const doing = (words, nextS) => explain(health("auth_failed", { doing: words }), NOW, nextS).doing;
  assert.equal(doing("trying again in 5 min, rarely", 280), "trying again in 4 min, rarely");
  assert.equal(doing("trying again soon; showing the last picture to 2 players", 0), "trying again now; showing the last picture to 2 players");
  assert.equal(doing("showing a picture that says why to 1 player", 5), "trying again in 5 s; showing a picture that says why to 1 player");
  assert.equal(doing("connecting", null), "connecting");
});

test("one sentence tells how all is, the worst first", () => {
  assert.equal(summarize([]).headline, "No camera");
  assert.equal(summarize([camera("porch", "ok")]).headline, "porch is well");
  assert.equal(summarize([camera("a", "ok"), camera("b", "asleep")]).headline, "All is well, 1 at rest");
  assert.equal(summarize([camera("a", "asleep"), camera("b", "disabled")]).headline, "All rest");
  const cameras = [camera("a", "degraded"), camera("b", "offline"), camera("c", "auth_failed"), camera("d", "ok")];
  const told = summarize(cameras);
  assert.equal(told.headline, "3 of 4 need attention");
  assert.equal(told.detail, "c: login refused, b: offline, 1 more");
  assert.equal(summarize([camera("a", "offline"), camera("b", "ok")]).headline, "1 of 2 needs attention");
});

import assert from "node:assert/strict";
import test from "node:test";

import { agentName, describeAudio, describeCounts, describeVideo, transportName } from "../page/words/names.js";

test("players are called as people know them", () => {
  const names = [
    ["VLC/3.0.18 LibVLC/3.0.18", "VLC 3.0.18"],
    ["Lavf59.27.100", "Lavf59.27.100"],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gec", "browser"],
    ["", "unnamed player"],
    ["  ", "unnamed player"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox 131"],
    ["Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", "Chrome 131"],
    ["Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge 131"],
    ["Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Safari 17"],
  ];
  for (const [agent, name] of names) assert.equal(agentName(agent), name);
});

test("what is new to the page is shown as it is", () => {
  assert.equal(transportName("carrier_pigeon"), "carrier_pigeon");
  assert.equal(describeVideo({ codec: "av1", width: 640, height: 360 }), "AV1 640 × 360");
  assert.equal(describeVideo(null), "not seen yet");
  assert.equal(describeAudio(null), "none");
  assert.equal(describeAudio({ codec: "AAC", clock_rate: 16_000 }), "AAC 16 kHz");
});

test("counters name only what happened", () => {
  assert.equal(describeCounts({ timeout: 2, closed_by_camera: 1, other: 0 }), "2 timeout, 1 closed by camera");
  assert.equal(describeCounts({ timeout: 0 }), "none");
});

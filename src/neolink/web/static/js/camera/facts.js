/** What the camera is and what was counted of it and of the stream that is shown. */

import { h, setChildren, setText } from "../core/dom.js";
import { formatBytes, formatCount, formatDuration, formatMoment, formatNumber } from "../words/format.js";
import { connectionName, describeAudio, describeCounts, describeVideo, streamName } from "../words/names.js";

export class Facts {
  constructor() {
    this.camera = h("dl", { class: "facts" });
    this.stream = h("dl", { class: "facts" });
    this.streamTitle = h("h3");
    this.element = h(
      "section",
      { class: "card", "aria-labelledby": "facts-title" },
      h("h2", { id: "facts-title", text: "Camera" }),
      this.camera,
      this.streamTitle,
      this.stream,
    );
  }

  update(camera, stream) {
    fill(this.camera, cameraFacts(camera, new Date()));
    setText(this.streamTitle, stream ? `${streamName(stream.kind)} stream` : "");
    fill(this.stream, stream ? streamFacts(stream) : []);
  }
}

/** @returns {[string, string][]} name and value; what is not known is left out */
function cameraFacts(camera, now) {
  const { connection } = camera;
  const error = connection.last_error
    ? `${connection.last_error} (${formatDuration(connection.last_error_age_s)} ago)`
    : "none";
  return known([
    ["Model", [camera.model, camera.firmware].filter(Boolean).join(", ")],
    ["Address", connection.address ?? "found by its UID"],
    ["Connection", `${connectionName(connection.state)} since ${formatMoment(connection.since, now)}`],
    ["Logins", String(connection.connects)],
    ["Lost", describeCounts(connection.reconnects)],
    ["Last error", error],
    ["Battery", camera.battery_percent === null ? "" : `${camera.battery_percent} %`],
    ["Awake", camera.awake_s ? formatDuration(camera.awake_s) : ""],
    ["Motion", camera.motion === null ? "" : camera.motion ? "now" : "none"],
  ]);
}

/** @returns {[string, string][]} */
function streamFacts(stream) {
  const { counters } = stream;
  const drift = stream.av_drift_s;
  return known([
    ["Video", [describeVideo(stream.video), stream.video?.profile].filter(Boolean).join(", ")],
    ["Sound", describeAudio(stream.audio)],
    ["Rate", stream.nominal_fps ? `${formatNumber(stream.nominal_fps)} fps as configured` : ""],
    ["Key frames", stream.gop_s ? `every ${formatDuration(stream.gop_s)}` : ""],
    ["Last picture", stream.last_picture_age_s === null ? "" : `${formatDuration(stream.last_picture_age_s)} ago`],
    ["Sound against picture", drift === null ? "" : formatDrift(drift)],
    ["Received", `${formatBytes(counters.received_bytes)} in ${formatCount(counters.pictures, "picture")}`],
    ["Starts, stalls", `${counters.starts}, ${counters.stalls}`],
    ["Damaged", String(counters.damages)],
    ["Not delivered", describeCounts(counters.dropped)],
  ]);
}

function formatDrift(seconds) {
  const ms = Math.round(seconds * 1000);
  if (Math.abs(ms) < 1) return "together";
  return `${Math.abs(ms)} ms ${ms > 0 ? "late" : "early"}`;
}

function known(facts) {
  return facts.filter(([, value]) => value !== "");
}

function fill(list, facts) {
  const rows = facts.flatMap(([name, value], at) => {
    const term = list.children[2 * at] ?? h("dt");
    const words = list.children[2 * at + 1] ?? h("dd");
    setText(term, name);
    setText(words, value);
    return [term, words];
  });
  setChildren(list, rows);
}

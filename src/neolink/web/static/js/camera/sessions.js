/** Who watches this camera, how it reaches them, and ending a session. */

import { confirm } from "../core/dialog.js";
import { h, setAttribute, setChildren, setText, show } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { poll } from "../core/poll.js";
import { formatBytes, formatCount, formatDuration, formatShare } from "../words/format.js";
import { agentName, streamName, transportName } from "../words/names.js";

const EVERY_MS = 2000;

/** Head of the column, and what stands in it. */
const COLUMNS = [
  ["Player", (one) => agentName(one.agent)],
  ["From", (one) => (one.user ? `${one.user}, ${one.address}` : one.address)],
  ["Stream", (one) => describeStream(one)],
  ["By", (one) => transportName(one.transport)],
  ["For", (one) => formatDuration(one.connected_for_s)],
  ["Waiting", (one) => describeQueue(one)],
  ["Lost", (one) => describeLoss(one)],
  ["Sent", (one) => formatBytes(one.bytes_sent)],
];

export class Sessions {
  /** @param {any} api @param {string} camera */
  constructor(api, camera) {
    this.api = api;
    this.camera = camera;
    this.mayEnd = false;
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    this.build();
    this.poll = poll(EVERY_MS, () => this.load());
  }

  build() {
    // the roles are said again because narrow screens show rows as blocks
    const heads = [...COLUMNS.map(([name]) => name), "End"].map((name) =>
      h("th", { scope: "col", role: "columnheader", text: name }),
    );
    heads.at(-1).replaceChildren(h("span", { class: "visually-hidden", text: "End" }));
    this.body = h("tbody", { role: "rowgroup" });
    this.table = h(
      "table",
      { class: "sessions", role: "table", "aria-labelledby": "sessions-title" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)),
      this.body,
    );
    this.count = h("span", { class: "count" });
    this.empty = h("p", { class: "nothing", text: "Nobody watches." });
    this.said = h("p", { class: "said", role: "status" });
    this.element = h(
      "section",
      { class: "card", "aria-labelledby": "sessions-title" },
      h("h2", { id: "sessions-title" }, "Sessions ", this.count),
      this.empty,
      h("div", { class: "scroll" }, this.table),
      this.said,
    );
    this.paint([]);
  }

  update(_camera, _stream, session) {
    this.mayEnd = session?.may_kick ?? false;
  }

  async load() {
    const players = await this.api.players();
    if (!this.isClosed) this.paint(players.filter(({ camera }) => camera === this.camera));
  }

  paint(players) {
    const rows = players.map((player) => this.rowOf(player));
    const numbers = new Set(players.map(({ number }) => number));
    for (const number of this.rows.keys()) if (!numbers.has(number)) this.rows.delete(number);
    setChildren(this.body, rows.map(({ element }) => element));
    setText(this.count, players.length > 0 ? String(players.length) : "");
    show(this.empty, players.length === 0);
    show(this.table, players.length > 0);
  }

  rowOf(player) {
    let row = this.rows.get(player.number);
    if (row === undefined) {
      row = new Row(() => this.end(player));
      this.rows.set(player.number, row);
    }
    row.update(player, this.mayEnd);
    return row;
  }

  async end(player) {
    const name = agentName(player.agent);
    const isSure = await confirm({
      title: `End the session of ${name}?`,
      text: `It watches ${player.camera}, ${player.kind}, from ${player.address}. Nothing keeps it from coming again.`,
      action: "End session",
    });
    if (!isSure) return;
    try {
      await this.api.endPlayer(player.number);
      this.tell(`The session of ${name} was ended.`);
    } catch (error) {
      this.tell(error.status === 404 ? "That session had ended already." : `It was not ended: ${error.message}.`);
    }
    this.poll.now();
  }

  tell(words) {
    setText(this.said, words);
  }

  close() {
    this.isClosed = true;
    this.poll.end();
  }
}

class Row {
  /** @param {() => void} onEnd */
  constructor(onEnd) {
    this.cells = COLUMNS.map(([name]) => h("td", { role: "cell", "data-head": name }));
    this.button = h(
      "button",
      { type: "button", class: "button small", onclick: onEnd },
      icon("stop"),
      h("span", { text: "End" }),
    );
    const last = h("td", { role: "cell", class: "cell-action" }, this.button);
    this.element = h("tr", { role: "row" }, ...this.cells, last);
  }

  update(player, mayEnd) {
    COLUMNS.forEach(([, describe], at) => setText(this.cells[at], describe(player)));
    setAttribute(this.cells[0], "title", player.agent || null);
    setAttribute(this.element, "data-lagging", player.queued_units > 0 ? "" : null);
    setAttribute(this.button, "aria-label", `End the session of ${agentName(player.agent)}, ${player.address}`);
    show(this.button, mayEnd);
  }
}

function describeStream({ kind, is_adaptive: isAdaptive, moves_down: down, is_playing: isPlaying }) {
  const name = isAdaptive ? `${streamName(kind)} (adaptive, ${formatCount(down, "move")} down)` : streamName(kind);
  return isPlaying ? name : `${name}, paused`;
}

function describeQueue({ queued_units: units, queue_delay_s: delayS, queued_bytes: size }) {
  return units === 0 ? "nothing" : `${formatDuration(delayS)}, ${formatBytes(size)}`;
}

function describeLoss({ units_dropped: dropped, loss, jitter_s: jitterS }) {
  const parts = [dropped > 0 ? formatCount(dropped, "picture") : ""];
  if (loss !== null) parts.push(`${formatShare(loss)} of packets`);
  if (jitterS !== null && jitterS > 0) parts.push(`${formatDuration(jitterS)} jitter`);
  return parts.filter(Boolean).join(", ") || "nothing";
}

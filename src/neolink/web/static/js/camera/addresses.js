/** Where other players find the streams: RTSP addresses to copy. */

import { copyText } from "../core/clipboard.js";
import { h, setAttribute, setChildren, setText } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { streamName } from "../words/names.js";

const TOLD_MS = 2000;

export class Addresses {
  constructor() {
    this.list = h("ul", { class: "addresses" });
    this.said = h("p", { class: "visually-hidden", role: "status" });
    this.element = h(
      "section",
      { class: "card", "aria-labelledby": "addresses-title" },
      h("h2", { id: "addresses-title", text: "For other players" }),
      this.list,
      this.said,
    );
  }

  update(camera) {
    const rows = camera.streams.map(({ kind, rtsp_url }) => [streamName(kind), rtsp_url]);
    if (camera.rtsp_auto_url) rows.push(["Auto", camera.rtsp_auto_url]);
    setChildren(this.list, rows.map(([name, url], at) => this.rowOf(name, url, at)));
  }

  rowOf(name, url, at) {
    const row = this.list.children[at] ?? this.build();
    setText(row.children[0], name);
    setText(row.children[1], url);
    setAttribute(row.children[2], "aria-label", `Copy the address of ${name}`);
    return row;
  }

  build() {
    const word = h("span", { text: "Copy" });
    const button = h("button", { type: "button", class: "button small" }, icon("copy"), word);
    const row = h("li", {}, h("span"), h("code"), button);
    button.addEventListener("click", () => this.copy(row.children[1], word));
    return row;
  }

  async copy(code, word) {
    const isCopied = await copyText(code);
    setText(word, isCopied ? "Copied" : "Select it");
    setText(this.said, isCopied ? `Copied ${code.textContent}` : "Copying is not allowed here");
    setTimeout(() => setText(word, "Copy"), TOLD_MS);
  }
}

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
    setChildren(this.list, camera.streams.map((stream, at) => this.rowOf(stream, at)));
  }

  rowOf(stream, at) {
    const row = this.list.children[at] ?? this.build();
    setText(row.children[0], streamName(stream.kind));
    setText(row.children[1], stream.rtsp_url);
    setAttribute(row.children[2], "aria-label", `Copy the address of ${stream.kind}`);
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

/**
 * Single keys: who is told of them, the help that lists them, and switching them off for people
 * whose software types letters of its own.
 */

import { openDialog } from "./core/dialog.js";
import { h } from "./core/dom.js";
import { recall, remember } from "./core/memory.js";

const HELP = [
  ["On the wall", [
    ["Arrow keys", "from camera to camera"],
    ["Enter", "open the camera"],
    ["/", "find a camera"],
    ["a", "only cameras that need attention, and back"],
  ]],
  ["On a camera", [
    ["Escape", "back to the wall"],
    ["n  p", "next camera, previous camera"],
    ["1  2  3", "the first, second, third stream"],
    ["m", "sound on or off"],
    ["f", "full screen"],
    ["s", "save a picture"],
  ]],
  ["Everywhere", [["?", "this help"]]],
];

const SETTING = "keys";

export class Keys {
  /** @param {(key: string) => boolean} onKey tells whether the key meant something */
  constructor(onKey) {
    this.onKey = onKey;
    document.addEventListener("keydown", (event) => this.handle(event));
  }

  get isOn() {
    return recall(SETTING, true);
  }

  /** @param {KeyboardEvent} event */
  handle(event) {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (document.querySelector("dialog[open]") !== null || isTyping(event.target)) return;
    if (event.key !== "Escape" && !this.isOn) return;
    if (event.key === "?") this.showHelp();
    else if (!this.onKey(event.key)) return;
    event.preventDefault();
  }

  showHelp() {
    const box = h("input", {
      type: "checkbox",
      checked: this.isOn,
      onchange: () => remember(SETTING, box.checked),
    });
    const close = h("button", {
      type: "button",
      class: "button",
      text: "Close",
      onclick: () => dialog.close(),
    });
    const dialog = openDialog(
      "Keys",
      [
        ...HELP.map(([where, keys]) => describe(where, keys)),
        h("label", { class: "check" }, box, h("span", { text: "Letters, digits and / work as keys" })),
        h("div", { class: "dialog-actions" }, close),
      ],
      { class: "keys-help" },
    );
    close.focus();
  }
}

function describe(where, keys) {
  const rows = keys.flatMap(([key, does]) => [
    h("dt", {}, ...key.split("  ").flatMap((one) => [h("kbd", { text: one }), " "])),
    h("dd", { text: does }),
  ]);
  return h("section", {}, h("h3", { text: where }), h("dl", {}, ...rows));
}

function isTyping(target) {
  return target instanceof HTMLElement && target.matches("input:not([type=range]), select, textarea");
}

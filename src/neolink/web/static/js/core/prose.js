/** Text of the bridge in the page: what stands between backticks is shown as code. */

import { h } from "./dom.js";

/** @param {string} text @returns {(Node|string)[]} */
export function prose(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? h("code", { text: part }) : part));
}

/** @param {Element} element @param {string} text changes the element only if the text did */
export function setProse(element, text) {
  if (element.getAttribute("data-prose") === text) return;
  element.setAttribute("data-prose", text);
  element.replaceChildren(...prose(text));
}

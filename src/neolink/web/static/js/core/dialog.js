/** Windows over the page. They close with Escape, and the focus goes back to where it was. */

import { h } from "./dom.js";

/**
 * @param {string} title @param {(Node|string)[]} content
 * @param {{class?: string}} [options] @returns {HTMLDialogElement} open
 */
export function openDialog(title, content, options = {}) {
  const id = `dialog-${Math.random().toString(36).slice(2)}`;
  const dialog = h(
    "dialog",
    { class: `dialog ${options.class ?? ""}`, "aria-labelledby": id },
    h("h2", { id, text: title }),
    ...content,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Ask before something is done that cannot be undone.
 * @param {{title: string, text: string, action: string}} question
 * @returns {Promise<boolean>} whether to do it
 */
export function confirm({ title, text, action }) {
  return new Promise((resolve) => {
    const choose = (answer) => () => dialog.close(answer);
    const cancel = h("button", { type: "button", class: "button", text: "Cancel", onclick: choose("") });
    const dialog = openDialog(title, [
      h("p", { text }),
      h(
        "div",
        { class: "dialog-actions" },
        cancel,
        h("button", { type: "button", class: "button danger", text: action, onclick: choose("yes") }),
      ),
    ]);
    cancel.focus(); // Enter must not do harm
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
  });
}

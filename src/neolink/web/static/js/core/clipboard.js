/** Copying text. Browsers give the clipboard to secure pages only; there is an older way for the rest. */

/** @param {Element} element its text is copied, or at least selected @returns {Promise<boolean>} */
export async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    return true;
  } catch {
    const selection = getSelection();
    selection?.selectAllChildren(element);
    const isCopied = document.execCommand("copy");
    if (isCopied) selection?.removeAllRanges();
    return isCopied;
  }
}

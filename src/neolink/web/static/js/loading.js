/**
 * Loads the page again when one of its files did not come: the network changed, the bridge started anew.
 *
 * Not a module, and the first of all scripts: what it waits for is that modules fail. Without it the
 * page would stay empty and say nothing.
 */

(() => {
  "use strict";

  const TRIES = "neolink.loading";
  const FIRST_S = 2;
  const LONGEST_S = 30;
  let isBroken = false;

  addEventListener(
    "error",
    ({ target }) => {
      const isNeeded = target instanceof HTMLScriptElement || target instanceof HTMLLinkElement;
      if (!isNeeded || isBroken) return;
      isBroken = true;
      const tries = recall();
      remember(tries + 1);
      const pause_s = Math.min(LONGEST_S, FIRST_S * 2 ** tries);
      setTimeout(() => location.reload(), 1000 * pause_s);
      whenParsed(() => tell(pause_s));
    },
    true, // errors of elements do not bubble
  );
  addEventListener("load", () => {
    if (!isBroken) remember(0);
  });

  function tell(pause_s) {
    const banner = document.createElement("p");
    banner.className = "banner";
    banner.id = "loading";
    banner.setAttribute("role", "status");
    banner.textContent = `Part of this page has not arrived. It is loaded again in ${pause_s} s.`;
    document.body.prepend(banner);
  }

  function whenParsed(act) {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", act);
    else act();
  }

  function recall() {
    try {
      return Number(sessionStorage.getItem(TRIES)) || 0;
    } catch {
      return 0; // where nothing may be kept it is tried every 2 s
    }
  }

  function remember(tries) {
    try {
      sessionStorage.setItem(TRIES, String(tries));
    } catch {
      // as above
    }
  }
})();

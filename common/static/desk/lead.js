// A lead's page by keys: J and K to the next and the previous lead, N and M into a note, a digit for how a call ended,
// C to call. What is copied is said. Who else looks at the lead is asked every half minute while the page is seen.
"use strict";
(() => {
  const root = document.getElementById("lead");
  if (!root) return;
  const LOOKS = 30_000; // ms: under the minute for which a look lasts

  const types = (element) => element instanceof Element && element.closest("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && types(event.target)) return event.target.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || types(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (!/^[a-z0-9]$/.test(key)) return;
    const one = document.querySelector(`#content [data-key="${key}"]`);
    if (!one || one.disabled) return;
    event.preventDefault();
    if (types(one)) {
      one.focus();
      one.scrollIntoView({ block: "nearest" });
    } else one.click();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: button.dataset.copy });
      document.body.append(area);
      area.select();
      document.execCommand("copy"); // where the page is not served by https
      area.remove();
    }
    const before = [...button.childNodes];
    button.textContent = "Copied";
    button.setAttribute("role", "status");
    setTimeout(() => {
      button.replaceChildren(...before);
      button.removeAttribute("role");
    }, 1500);
  });

  // What was bought comes in while the page is open; a part of it in which something is half-written waits for a reload.
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    const boxes = detail.target.querySelectorAll("textarea, input:not([type=hidden], [type=checkbox], [type=radio])");
    if ([...boxes].some((box) => box.value !== box.defaultValue)) detail.shouldSwap = false;
  });

  // The call that the gate has said yes to is dialed by this person's own phone, once.
  const dial = document.getElementById("lead-dial");
  if (dial && sessionStorage.getItem("lead-dialed") !== dial.dataset.attempt) {
    sessionStorage.setItem("lead-dialed", dial.dataset.attempt);
    dial.click();
  }

  async function look() {
    if (document.hidden) return;
    try {
      const answer = await fetch(root.dataset.looking);
      if (!answer.ok || answer.redirected) return;
      const piece = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("looking");
      const line = document.getElementById("looking");
      if (piece && line && piece.textContent !== line.textContent) line.textContent = piece.textContent;
    } catch {
      // the next time
    }
  }
  setInterval(look, LOOKS);
})();

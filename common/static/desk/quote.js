// The quote follows what is typed; the address holds it, so that Back, a reload and a bookmark bring it again.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("quote");
  if (!form) return;
  const box = document.getElementById("quote-price");
  const ours = ["csrfmiddlewaretoken", "quoted", "once", "most"];
  let asking, askAt;

  form.addEventListener("input", () => {
    box.classList.add("desk-stale");
    for (const button of box.querySelectorAll("button")) button.disabled = true; // it would buy what was asked before
    clearTimeout(askAt);
    askAt = setTimeout(ask, 400);
  });

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const address = new URL(form.action);
    address.searchParams.set("look", "1");
    for (const [name, value] of new FormData(form)) if (!ours.includes(name) && String(value).trim()) address.searchParams.set(name, value);
    try {
      const part = new URL(address);
      part.searchParams.set("part", "price");
      const answer = await fetch(part, { signal: asking.signal });
      if (new URL(answer.url).pathname.endsWith("/login/")) return location.reload();
      if (!answer.ok) return trouble("The price cannot be had right now. Try again.");
      box.innerHTML = await answer.text(); // our own template's, escaped there
      box.classList.remove("desk-stale");
      history.replaceState(null, "", address);
    } catch (error) {
      if (error.name !== "AbortError") trouble("The server cannot be reached. Try again.");
    }
  }

  function trouble(words) {
    box.replaceChildren(Object.assign(document.createElement("p"), { className: "desk-trouble", textContent: words }));
    box.classList.remove("desk-stale");
  }
});

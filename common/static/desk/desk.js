// What moves on the desk's own pages.
"use strict";

// A person who was signed out meanwhile gets the sign-in page as a page, not as a piece of this one.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!new URL(event.detail.xhr.responseURL).pathname.endsWith("/login/")) return;
  event.detail.shouldSwap = false;
  location.reload();
});

// Into the filters, as soon as the theme has drawn them.
function focusFilters(tries) {
  const first = document.querySelector("#changelist-filter :is(select, input:not([type=hidden]))");
  first?.focus();
  if (first && document.activeElement !== first && tries) setTimeout(focusFilters, 50, tries - 1);
}

// The theme opens its filters, and more, by links without an address, which no key reaches.
document.addEventListener("DOMContentLoaded", () => {
  for (const opener of document.querySelectorAll('a:not([href]), [x-on\\:click^="openUserLinks"]')) {
    if (!opener.hasAttribute("x-on:click")) continue;
    opener.setAttribute("role", "button");
    opener.tabIndex = 0;
    opener.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      opener.click();
      if (opener.getAttribute("x-on:click").startsWith("filterOpen")) focusFilters(20);
    });
  }
});

// At first sign-in: the browser's time zone, posted once. The page comes again, with its times by that clock.
document.addEventListener("DOMContentLoaded", async () => {
  const form = document.getElementById("browser-zone");
  if (!form) return;
  const body = new FormData(form);
  body.set("zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "");
  const answer = await fetch(form.action, { method: "POST", body });
  if (answer.ok && (await answer.json()).changed) location.reload();
});

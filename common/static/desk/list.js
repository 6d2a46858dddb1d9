// The list of leads: how many there are, fetched after the page; the panel of filters folds; columns are put in order.
"use strict";
document.addEventListener("DOMContentLoaded", async () => {
  const list = document.getElementById("changelist");
  if (!list?.dataset.counts) return;

  const opener = document.querySelector(".desk-panel-opener");
  const panel = opener?.closest(".desk-panel");
  const fold = (open) => {
    panel.classList.toggle("desk-panel-open", open);
    panel.classList.toggle("desk-panel-folded", !open);
    opener.setAttribute("aria-expanded", String(open));
  };
  const isWide = matchMedia("(min-width: 64rem)").matches;
  fold(isWide && localStorage.getItem("desk-filters") !== "folded");
  opener.addEventListener("click", () => {
    const open = opener.getAttribute("aria-expanded") !== "true";
    fold(open);
    if (isWide) localStorage.setItem("desk-filters", open ? "open" : "folded");
    if (open) panel.querySelector("#changelist-filter :is(select, input:not([type=hidden]))")?.focus();
  });
  // An empty box asks nothing, and need not stand in the address.
  document.getElementById("filter-form")?.addEventListener("submit", (event) => {
    for (const box of event.target.elements) {
      if (box.name && !box.value) box.disabled = true;
      if (box.name === "match" && box.value === "all") box.disabled = true;
    }
    setTimeout(() => { for (const box of event.target.elements) box.disabled = false; });
  });

  for (const item of document.querySelectorAll("[data-columns] li")) {
    const name = item.textContent.trim();
    for (const [sign, way] of [["↑", "up"], ["↓", "down"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sign;
      button.setAttribute("aria-label", `Move ${name} ${way}`);
      button.addEventListener("click", () => {
        const other = way === "up" ? item.previousElementSibling : item.nextElementSibling;
        if (other) item.parentElement.insertBefore(...(way === "up" ? [item, other] : [other, item]));
        button.focus();
      });
      item.append(button);
    }
  }
  for (const menu of document.querySelectorAll("details.desk-menu")) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  const answer = await fetch(list.dataset.counts, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) return;
  const { total, views } = await answer.json();
  for (const place of document.querySelectorAll("[data-total]")) {
    if (total) place.textContent = place.hasAttribute("role") ? `· ${total} in all` : total;
  }
  for (const tab of document.querySelectorAll("[data-count]")) tab.textContent = views[tab.dataset.count] ?? "";
});

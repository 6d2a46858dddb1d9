// The search over everything: Ctrl+K on every page, arrows and Enter in what is found.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const dialog = document.getElementById("desk-search");
  if (!dialog) return;
  const box = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const says = dialog.querySelector("[data-search-says]");
  const hits = () => [...list.querySelectorAll("[role=option]")];
  let at = -1;
  let asked = "";
  let waiting = 0;
  let request = null;

  const choose = (place) => {
    const all = hits();
    at = all.length ? (place + all.length) % all.length : -1;
    all.forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    if (at < 0) { box.removeAttribute("aria-activedescendant"); return; }
    box.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  };

  const show = (html) => {
    list.innerHTML = html; // our own template's, escaped there
    const many = hits().length;
    box.setAttribute("aria-expanded", String(many > 0));
    choose(many ? 0 : -1);
    says.textContent = many ? `${many} found` : list.textContent.trim();
  };

  const ask = async () => {
    const text = box.value.trim();
    if (text === asked) return;
    asked = text;
    request?.abort();
    if (text.length < 2) { show(""); return; }
    request = new AbortController();
    try {
      const answer = await fetch(`${dialog.dataset.search}?part=1&q=${encodeURIComponent(text)}`, {
        credentials: "same-origin", signal: request.signal,
      });
      if (new URL(answer.url).pathname.endsWith("/login/")) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (asked === text) show(html);
    } catch (error) {
      if (error.name === "AbortError") return;
      asked = "";
      show('<p class="desk-found-none">The search does not answer. Try again in a moment.</p>');
    }
  };

  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    box.select();
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-search-open]");
    if (!opener) return;
    event.preventDefault();
    open();
  });
  dialog.querySelector("[data-search-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Escape") {  // else the first press would only empty the box
      event.preventDefault();
      dialog.close();
    } else if (event.key === "Enter" && box.value.trim() === asked && at >= 0) {
      event.preventDefault();
      hits()[at].click();
    }
  });
});

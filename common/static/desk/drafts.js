// What was half-written outlives the session it was written in. A form with data-draft (the person's id) is kept in this tab
// while it is filled in; the sign-in page marks what was under way as lost, and the form's own page gives it back once, with
// the hidden fields it had then: by those the server knows a note that it has saved already. Several forms of a page are told
// apart by data-draft-name.
"use strict";
(() => {
  const PREFIX = "desk-draft ";
  const WORDS = "You were signed out while you wrote this. It is not saved yet.";
  const read = (key) => {
    try {
      return JSON.parse(sessionStorage.getItem(key));
    } catch {
      return null;
    }
  };
  const write = (key, draft) => sessionStorage.setItem(key, JSON.stringify(draft));
  const drafts = () => Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));

  if (document.getElementById("login-form")) {
    for (const key of drafts()) write(key, { ...read(key), lost: true });
    return;
  }
  // A page of one's own has come since the form was sent: the server has read it.
  for (const key of drafts()) if (read(key)?.sent && !read(key).lost) sessionStorage.removeItem(key);

  function tell(form) {
    let words = form.querySelector("[data-draft-words]");
    if (!words) {
      words = Object.assign(document.createElement("p"), { className: "desk-note", textContent: WORDS });
      words.setAttribute("role", "status");
      form.prepend(words);
    }
    words.hidden = false;
    form.closest("details")?.setAttribute("open", "");
  }

  function give(form, fields) {
    const places = new Map(); // of several fields of one name
    for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = false; // an empty one is not in the draft
    for (const [name, value] of fields) {
      const found = form.elements.namedItem(name);
      const all = found instanceof RadioNodeList ? [...found] : found ? [found] : [];
      const place = places.get(name) ?? 0;
      places.set(name, place + 1);
      const one = all[place] ?? all[0];
      if (!one || one.type === "file") continue;
      if (one.type === "checkbox" || one.type === "radio") {
        for (const box of all) if (box.value === value) box.checked = true;
      } else one.value = value;
    }
  }

  function watch(form) {
    if (form.dataset.draftWatched) return;
    form.dataset.draftWatched = "1";
    const key = `${PREFIX}${location.pathname}${form.dataset.draftName ? ` ${form.dataset.draftName}` : ""}`;
    const owner = form.dataset.draft;
    const draft = read(key);
    sessionStorage.removeItem(key);
    const keep = (sent) => {
      const fields = [...new FormData(form)].filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
      write(key, { owner, fields, sent, lost: false });
    };
    if (draft && draft.lost && draft.owner === owner) {
      give(form, draft.fields);
      tell(form);
      keep(false);
    }
    form.addEventListener("input", () => keep(false));
    form.addEventListener("submit", () => keep(true));
  }

  const watchAll = () => document.querySelectorAll("form[data-draft]").forEach(watch);
  watchAll();
  document.addEventListener("htmx:afterSettle", watchAll); // a form that came with a piece of the page
})();

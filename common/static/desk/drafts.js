// A half-written note outlives the session it was written in. A form with data-draft (the person's id) is kept in this tab
// while it is filled in; the sign-in page marks what was under way as lost, and the form's own page gives it back once, with
// the hidden fields it had then: by those the server knows a note that it has saved already.
"use strict";
(() => {
  const PREFIX = "desk-draft ";
  const read = (key) => {
    try {
      return JSON.parse(sessionStorage.getItem(key));
    } catch {
      return null;
    }
  };
  const write = (key, draft) => sessionStorage.setItem(key, JSON.stringify(draft));

  if (document.getElementById("login-form")) {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX) && read(key)) write(key, { ...read(key), lost: true });
    }
    return;
  }

  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const key = PREFIX + location.pathname;
  const owner = form.dataset.draft;
  const draft = read(key);
  sessionStorage.removeItem(key);
  const keep = () => {
    const fields = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
    write(key, { owner, fields, lost: false });
  };
  if (draft && draft.lost && draft.owner === owner) {
    for (const [name, value] of draft.fields) {
      const field = form.elements.namedItem(name);
      if (field) field.value = value;
    }
    form.querySelector("[data-draft-words]").hidden = false;
    keep();
  }
  form.addEventListener("input", keep);
  form.addEventListener("submit", keep);
})();

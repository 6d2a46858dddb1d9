// A schedule's form: what does not apply to its kind, or to how often, is neither seen nor sent.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("schedule-form");
  if (!form) return;

  function show(data, chosen) {
    for (const part of form.querySelectorAll(`[data-${data}]`)) {
      const fits = part.dataset[data].split(" ").includes(chosen);
      part.hidden = !fits;
      for (const input of part.querySelectorAll("input, select")) input.disabled = !fits;
    }
  }

  function choose() {
    if (form.elements.kind) show("kinds", form.elements.kind.value); // of a schedule that there is, it stays
    show("every", form.elements.every.value);
  }

  form.addEventListener("change", choose);
  choose();
});

// The upload of a file: too large is said before it is sent, and it is sent once.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("import-upload");
  if (!form) return;
  const file = form.elements.file;
  const error = document.getElementById("import-file-error");
  const name = document.getElementById("import-name");

  function look() {
    const [chosen] = file.files;
    const tooLarge = chosen && chosen.size > Number(file.dataset.most);
    error.textContent = tooLarge ? file.dataset.tooLarge : chosen ? "" : "Choose a file.";
    file.setAttribute("aria-invalid", String(error.textContent !== ""));
  }

  function choose() {
    name.hidden = form.elements.bucket.value !== "";
  }

  file.addEventListener("change", look);
  form.elements.bucket.addEventListener("change", choose);
  choose();
  form.addEventListener("submit", (event) => {
    look();
    if (error.textContent) {
      event.preventDefault();
      file.focus();
      return;
    }
    form.querySelector("button[type=submit]").disabled = true;
    document.getElementById("import-sending").textContent = "Sending the file …";
  });
  window.addEventListener("pageshow", () => {
    form.querySelector("button[type=submit]").disabled = false;
    document.getElementById("import-sending").textContent = "";
  });
});

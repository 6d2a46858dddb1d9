// The sum of the billing checks that are chosen, on their buttons. A piece that is put in place anew has its own boxes.
"use strict";

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("#doubts");
  if (!form) return;
  const boxes = [...form.querySelectorAll('input[name="row"]')];
  if (event.target.id === "doubts-all") for (const box of boxes) box.checked = event.target.checked;
  const chosen = boxes.filter((box) => box.checked);
  const all = form.querySelector("#doubts-all");
  all.checked = chosen.length === boxes.length;
  all.indeterminate = chosen.length > 0 && !all.checked;
  const sum = (name) => chosen.reduce((total, box) => total + Number(box.dataset[name]), 0);
  const money = sum("held").toLocaleString("en-US", { style: "currency", currency: "USD" });
  const leads = sum("leads").toLocaleString("en-US");
  const words = `${chosen.length} chosen with ${leads} lead${leads === "1" ? "" : "s"}, ${money} held.`;
  form.querySelector("#doubts-sum").textContent = chosen.length ? words : "Choose those that you have looked up.";
  for (const place of form.querySelectorAll("[data-sum]")) place.textContent = chosen.length ? ` (${money})` : "";
});

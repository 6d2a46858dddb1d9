// A bucket's page: the map of its leads, drawn again once its runs have come to rest.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const element = document.getElementById("bucket-map");
  if (!element) return;
  const { pins } = deskMap(element);
  const words = document.getElementById("bucket-map-words");

  async function draw() {
    const answer = await fetch(element.dataset.pins, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const list = (await answer.json()).pins;
    pins(list);
    if (list.length) words.textContent = `${list.length} of the latest leads with property data.`;
  }

  draw();
  document.body.addEventListener("htmx:afterSwap", () => {
    const live = document.getElementById("bucket-live");
    if (live && !live.hasAttribute("hx-get")) draw();
  });
});

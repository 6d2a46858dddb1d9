// Find properties: the place's suggestions, errors at their fields, pins, and a circle that can be drawn.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("find");
  if (!form) return;
  form.addEventListener("submit", (event) => event.preventDefault()); // it counts as one types
  const changed = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));
  const json = (id) => JSON.parse(document.getElementById(id)?.textContent || "null");

  // --- The count and what stands below it ---

  // What the buttons would do belongs to the search before: they wait for its number.
  const box = document.getElementById("find-count");
  const buttons = () => document.querySelectorAll("[data-needs-count]");
  let counting, countAt;
  form.addEventListener("input", () => {
    box.classList.add("desk-stale");
    for (const button of buttons()) button.disabled = true;
    clearTimeout(countAt);
    countAt = setTimeout(count, 400);
  });

  async function count() {
    counting?.abort();
    counting = new AbortController();
    const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
    try {
      const answer = await fetch(`${form.dataset.count}?${asked}`, { signal: counting.signal });
      if (new URL(answer.url).pathname.endsWith("/login/")) return location.reload();
      if (!answer.ok) return trouble(box, "The number cannot be had right now. Try again.");
      box.innerHTML = await answer.text(); // our own template's, escaped there
      history.replaceState(null, "", `${form.getAttribute("action")}?${asked}`);
      counted();
    } catch (error) {
      if (error.name !== "AbortError") trouble(box, "The server cannot be reached. Try again.");
    }
  }

  function trouble(where, words) {
    where.replaceChildren(Object.assign(document.createElement("p"), { className: "desk-trouble", textContent: words }));
    where.classList.remove("desk-stale");
  }

  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "find-rows") sampled(true);
  });
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.body.addEventListener(name, (event) => {
      if (event.target.id === "find-sample") trouble(document.getElementById("find-rows"), "No answer came. Press again: what was bought is not bought twice.");
    });
  }

  function counted() {
    box.classList.remove("desk-stale");
    const errors = json("find-errors") || {};
    const writing = document.activeElement === place && errors.place; // half a word is no mistake yet
    if (writing) delete errors.place;
    document.querySelector("#find-count [data-fields]")?.classList.toggle("desk-trouble", !(writing && !Object.keys(errors).length));
    for (const spot of form.querySelectorAll("[data-error]")) {
      const words = (errors[spot.dataset.error] || []).map((error) => error.message).join(" ");
      spot.textContent = words;
      const input = form.elements[spot.dataset.error];
      if (!(input instanceof Element)) continue;
      if (words) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    look();
    const countable = Boolean(document.querySelector("[name=search][form=find-save]"));
    for (const button of buttons()) button.disabled = !countable;
    for (const group of form.querySelectorAll("details")) {
      const used = [...group.querySelectorAll("input")].filter((i) => (i.type === "checkbox" ? i.checked : i.value)).length;
      group.querySelector("[data-used]").textContent = used ? `${used} set` : "";
    }
  }

  if (matchMedia("(max-width: 700px)").matches) {
    for (const group of form.querySelectorAll("details:not(:first-of-type)")) group.open = Boolean(group.querySelector("[data-used]").textContent);
  }

  // --- A new bucket has a name ---

  const bucket = document.querySelector("[name=save-bucket]");
  const named = document.getElementById("find-name");
  const naming = () => (named.hidden = Boolean(bucket.value));
  bucket.addEventListener("change", naming);
  naming();

  // --- The place: a combobox (ARIA 1.2, list with manual selection) ---

  const place = form.elements.place;
  const list = document.getElementById("find-places");
  let asking, timer, active = -1;

  const spoken = { // how a suggestion is written so that the server reads it as that and nothing else
    C: (p) => `${p.city}, ${p.state}`,
    N: (p) => `${/ (county|parish|borough|census area)$/i.test(p.county) ? p.county : p.county + " County"}, ${p.state}`,
    Z: (p) => p.zip,
    T: (p) => p.title.replace(/, USA$/, ""),
  };
  const kinds = { C: "city", N: "county", Z: "ZIP code", T: "state" };

  const spots = new Map(); // of places that were chosen: where the vendor says they are
  const spotOf = (p) => ({ latitude: Number(p.latitude), longitude: Number(p.longitude), zoom: p.searchType === "Z" ? 13 : 11 });
  let lookedAt = ""; // the place the map has been moved to

  // To the place that counts: a county's or a state's outline, or where the vendor says a city or ZIP is.
  async function look() {
    const typed = place.value.trim();
    const spot = json("find-spot");
    if (!typed || typed === lookedAt || !spot) return;
    lookedAt = typed;
    const isSmall = spot.kind === "city" || spot.kind === "zip";
    if (isSmall && !spots.has(typed)) spots.set(typed, await findSpot(typed, spot.kind === "zip" ? "Z" : "C"));
    if (isSmall && spots.get(typed) && (await moveTo(spots.get(typed)))) return;
    if (spot.fips) await moveTo({ fips: spot.fips });
  }

  async function findSpot(search, kind) {
    try {
      const answer = await fetch(place.dataset.suggest, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
        body: JSON.stringify({ search, searchTypes: [kind] }),
      });
      const found = answer.ok ? (await answer.json()).places.find((p) => p.searchType === kind) : null;
      return found ? spotOf(found) : null;
    } catch {
      return null;
    }
  }

  function show(places) {
    active = -1;
    place.removeAttribute("aria-activedescendant");
    list.replaceChildren(
      ...places.map((words, index) => {
        const option = document.createElement("li");
        Object.assign(option, { id: `find-place-${index}`, role: "option" });
        option.setAttribute("aria-selected", "false");
        const kind = Object.assign(document.createElement("span"), { className: "desk-kind", textContent: words.kind });
        option.append(words.text, " ", kind);
        option.addEventListener("mousedown", (event) => event.preventDefault());
        option.addEventListener("click", () => choose(words.text, words.at));
        option.dataset.text = words.text;
        option.dataset.at = JSON.stringify(words.at);
        return option;
      }),
    );
    list.hidden = !places.length;
    place.setAttribute("aria-expanded", String(Boolean(places.length)));
  }

  function choose(text, at) {
    place.value = text;
    show([]);
    for (const field of fields) field.value = ""; // a place, a circle or an area
    draw(false);
    area.clear();
    spots.set(text, at);
    changed(form); // counts, and asks for no suggestions
  }

  function move(by) {
    const options = [...list.children];
    if (!options.length) return;
    options[active]?.setAttribute("aria-selected", "false");
    active = (active + by + options.length) % options.length;
    options[active].setAttribute("aria-selected", "true");
    options[active].scrollIntoView({ block: "nearest" });
    place.setAttribute("aria-activedescendant", options[active].id);
  }

  async function suggest() {
    asking?.abort();
    const search = place.value.trim();
    if (search.length < 3 || search.length > 200) return show([]);
    asking = new AbortController();
    try {
      const answer = await fetch(place.dataset.suggest, {
        method: "POST",
        signal: asking.signal,
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
        body: JSON.stringify({ search, searchTypes: Object.keys(spoken) }),
      });
      if (!answer.ok) return show([]); // what is typed counts all the same
      const { places } = await answer.json();
      if (document.activeElement !== place) return;
      const known = places.filter((p) => spoken[p.searchType]);
      show(known.slice(0, 8).map((p) => ({ text: spoken[p.searchType](p), kind: kinds[p.searchType], at: spotOf(p) })));
    } catch (error) {
      if (error.name !== "AbortError") show([]);
    }
  }

  place.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, 250);
  });
  place.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") list.hidden ? suggest() : move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Escape") show([]);
    else if (event.key === "Enter") {
      if (active >= 0) choose(list.children[active].dataset.text, JSON.parse(list.children[active].dataset.at || "null"));
      else show([]);
    } else return;
    event.preventDefault();
  });
  place.addEventListener("blur", () => {
    clearTimeout(timer);
    asking?.abort();
    show([]);
    if (!box.classList.contains("desk-stale")) setTimeout(counted); // now a mistake is one
  });

  // --- The map: pins of the sample, and a circle that is the place ---

  const METRES = 1609.344; // a mile
  const { map, pins, moveTo } = deskMap(document.getElementById("find-map"));
  const fields = ["latitude", "longitude", "radius"].map((name) => form.elements[name]);
  const button = document.getElementById("find-circle");
  const handle = (title) => L.marker([0, 0], { draggable: true, title, alt: title, icon: L.divIcon({ className: "desk-handle", iconSize: [18, 18] }) });
  const circle = L.circle([0, 0], { radius: METRES, className: "desk-circle", interactive: false });
  const centre = handle("Centre of the circle: drag to move it");
  const edge = handle("Edge of the circle: drag to widen it");

  const read = () => fields.map((field) => (field.value.trim() === "" ? NaN : Number(field.value)));
  const stands = (values) => values.every(Number.isFinite);

  function draw(look) {
    const values = read();
    for (const layer of [circle, centre, edge]) stands(values) ? layer.addTo(map) : layer.remove();
    button.textContent = stands(values) ? "Remove the circle" : "Draw a circle";
    if (!stands(values)) return;
    const [latitude, longitude, radius] = values;
    circle.setLatLng([latitude, longitude]).setRadius(radius * METRES);
    centre.setLatLng([latitude, longitude]);
    edge.setLatLng([latitude, circle.getBounds().getEast()]);
    if (look) map.fitBounds(circle.getBounds(), { padding: [16, 16] });
  }

  function set(latitude, longitude, radius) {
    fields[0].value = latitude === "" ? "" : latitude.toFixed(4);
    fields[1].value = longitude === "" ? "" : longitude.toFixed(4);
    fields[2].value = radius === "" ? "" : Math.min(10, Math.max(0.1, radius)).toFixed(1);
    draw(false);
    changed(fields[2]);
  }

  for (const field of fields) field.addEventListener("change", () => draw(true));
  centre.on("drag", () => circle.setLatLng(centre.getLatLng()));
  centre.on("dragend", () => set(centre.getLatLng().lat, centre.getLatLng().lng, Number(fields[2].value)));
  edge.on("drag", () => circle.setRadius(Math.min(10, map.distance(centre.getLatLng(), edge.getLatLng()) / METRES) * METRES));
  edge.on("dragend", () => set(Number(fields[0].value), Number(fields[1].value), map.distance(centre.getLatLng(), edge.getLatLng()) / METRES));
  button.addEventListener("click", () => {
    if (stands(read())) return set("", "", "");
    const { lat, lng } = map.getCenter().wrap();
    const seen = map.getBounds();
    place.value = "";
    area.clear();
    set(lat, lng, map.distance([lat, seen.getWest()], [lat, seen.getEast()]) / METRES / 4);
    draw(true);
  });

  const drawn = document.getElementById("find-drawn");
  const area = deskArea({
    map,
    field: form.elements.area,
    button: document.getElementById("find-area"),
    corner: document.getElementById("find-corner"),
    said: (words) => (drawn.textContent = words),
    changed: () => {
      if (area.stands()) {
        place.value = "";
        for (const field of fields) field.value = "";
        draw(false);
      }
      changed(form.elements.area);
    },
  });

  function sampled(look) {
    pins(json("find-pins") || []);
    if (look) document.getElementById("find-map").scrollIntoView({ block: "start" });
  }

  draw(true);
  sampled();
  counted();
  if (form.dataset.asked) count();
});

// The leads of a list on a map: asked for anew whenever the window has moved or an area is drawn.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const element = document.getElementById("leads-map");
  if (!element) return;
  const form = document.getElementById("leads-map-shape");
  const words = document.getElementById("leads-map-words");
  const rows = document.getElementById("leads-map-rows");
  const fill = document.getElementById("leads-map-fill");
  const signs = JSON.parse(document.getElementById("leads-map-signs").textContent);
  const labels = JSON.parse(document.getElementById("leads-map-labels").textContent);
  const { map, leads, moveTo } = deskMap(element);
  for (const spot of document.querySelectorAll("[data-sign]")) spot.append(deskSign(spot.dataset.sign, spot.dataset.shape));
  const EVERYWHERE = L.latLngBounds([[-90, -180], [90, 180]]);
  let asking, timer, fitted = false;

  function asked() {
    const query = new URLSearchParams(element.dataset.query);
    for (const name of ["near", "area"]) {
      const value = form.elements[name].value.trim();
      if (value) query.set(name, value);
    }
    return query;
  }

  function addresses() {
    const query = asked().toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
    for (const link of document.querySelectorAll("[data-with-shape]")) link.href = `${link.dataset.withShape}?${query || "view=all"}`;
  }

  async function draw() {
    asking?.abort();
    asking = new AbortController();
    const seen = fitted ? map.getBounds() : EVERYWHERE;  // a phone's first window is not as wide as the country
    const wide = seen.getEast() - seen.getWest() >= 360;
    const [west, east] = wide ? [-180, 180] : [seen.getSouthWest().wrap().lng, seen.getNorthEast().wrap().lng];
    const query = asked();
    query.set("bbox", [west, Math.max(-90, seen.getSouth()), east, Math.min(90, seen.getNorth())].map((end) => end.toFixed(6)).join(","));
    query.set("zoom", String(Math.round(map.getZoom())));
    try {
      const answer = await fetch(`${element.dataset.points}?${query}`, { signal: asking.signal, headers: { Accept: "application/json" } });
      if (new URL(answer.url).pathname.endsWith("/login/")) return location.reload();
      const found = await answer.json();
      if (!answer.ok) {
        leads({ pins: [], clusters: [] }, signs, labels);
        rows.replaceChildren();
        return say(found.error || "The leads cannot be had right now. Move the map to try again.");
      }
      leads(found, signs, labels);
      return tell(found);
    } catch (error) {
      if (error.name !== "AbortError") say("The server cannot be reached. Move the map to try again.");
      return undefined;
    }
  }

  const say = (text) => (words.textContent = text);

  function tell(found) {
    const total = found.total.toLocaleString("en-US");
    const isEmpty = !fitted && !found.total; // the first time everywhere is looked at
    if (isEmpty) say(asked().size ? "No lead that passes the filters is on the map." : "No lead is on the map yet: one stands here once its property data is purchased.");
    else if (!found.total) say("No lead is in this window, or none passes the filters.");
    else say(`${total} lead${found.total === 1 ? "" : "s"} in this window${found.clusters.length ? ", as clusters: press one to look closer" : ""}.`);
    table(found);
    if (fill) fill.hidden = !isEmpty || asked().size > 0;
    if (fitted) return;
    fitted = true;
    if (found.total) fit(found);
  }

  // The first time: to where the leads are.
  function fit(found) {
    const at = [...found.pins.map((pin) => [pin.latitude, pin.longitude]), ...found.clusters.flatMap(({ box }) => [[box[1], box[0]], [box[3], box[2]]])];
    map.fitBounds(at, { padding: [32, 32], maxZoom: 15, animate: false });
  }

  // The same without seeing a map: a row a pin or a cluster.
  function table(found) {
    const cells = (...texts) => {
      const row = document.createElement("tr");
      for (const text of texts) {
        const cell = document.createElement("td");
        cell.append(text);
        row.append(cell);
      }
      return row;
    };
    const pins = found.pins.map((pin) => cells(deskWords(pin.address, pin.link), labels[pin.status], pin.owner || "–"));
    const clusters = found.clusters.map((one) =>
      cells(`${one.leads.toLocaleString("en-US")} leads around ${one.latitude.toFixed(2)}, ${one.longitude.toFixed(2)}`,
        Object.entries(one.byStatus).map(([status, many]) => `${many.toLocaleString("en-US")} ${labels[status]}`).join(", "), "–"));
    rows.replaceChildren(...pins, ...clusters);
  }

  const changed = () => {
    addresses();
    draw();
  };
  deskArea({
    map,
    field: form.elements.area,
    button: document.getElementById("leads-map-area"),
    corner: document.getElementById("leads-map-corner"),
    said: say,
    changed,
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    changed();
  });
  form.elements.near.addEventListener("change", () => {
    const [latitude, longitude] = form.elements.near.value.split(",").map(Number);
    moveTo({ latitude, longitude, zoom: 12 });
    changed();
  });
  form.elements.area.addEventListener("change", changed);
  map.on("moveend", () => {
    clearTimeout(timer);
    timer = setTimeout(draw, 150);
  });
  addresses();
  draw();
});

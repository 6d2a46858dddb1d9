// A Leaflet map that also works without tiles: outlines of states and counties, a scale and a grid of degrees.
// deskMap(element) reads data-tiles, data-credit, data-states and data-counties, and gives
// {map, pins(list), leads(found, signs, labels), moveTo(place)}. A pin is {at: [lat, lon], words, link?}; a place is
// {fips} (two digits: a state; five: a county) or {latitude, longitude, zoom}.
"use strict";

const DESK_COUNTIES_FROM = 8; // the zoom from which counties are drawn: some twenty of them in a window

function deskMap(element) {
  const { tiles, credit } = element.dataset;
  const options = { minZoom: 3, maxZoom: 19, worldCopyJump: true, zoomControl: false, attributionControl: Boolean(tiles) };
  const map = L.map(element, { fadeAnimation: false, ...options }).setView([39.5, -98.35], 4);
  L.control.zoom({ position: "topright" }).addTo(map);
  L.control.scale({ position: "bottomright", metric: false }).addTo(map);
  if (tiles) deskTiles(map, tiles, credit);
  else deskGrid(map);
  const outlines = deskOutlines(map, element.dataset, !tiles);
  const layer = L.layerGroup().addTo(map);

  function pins(list) {
    layer.clearLayers();
    for (const pin of list) {
      const icon = L.divIcon({ className: "desk-pin", iconSize: [16, 16] });
      L.marker(pin.at, { icon, alt: pin.words, title: pin.words }).bindPopup(deskWords(pin.words, pin.link)).addTo(layer);
    }
    if (list.length) map.fitBounds(list.map((pin) => pin.at), { padding: [32, 32], maxZoom: 15 });
  }

  return { map, pins, leads: (found, signs, labels) => deskLeads(map, layer, found, signs, labels), moveTo: outlines.moveTo };
}

// A raster's address with {z}, {x} and {y}, or one PMTiles file, which protomaps-leaflet draws.
function deskTiles(map, tiles, credit) {
  if (!/\.pmtiles($|\?)/.test(tiles)) return L.tileLayer(tiles, { maxZoom: 19, attribution: credit }).addTo(map);
  const flavor = document.documentElement.classList.contains("dark") ? "dark" : "light";
  return protomapsL.leafletLayer({ url: tiles, flavor, lang: "en", attribution: credit }).addTo(map);
}

function deskWords(text, link) {
  const words = document.createElement(link ? "a" : "span");
  words.textContent = text;
  if (link) words.href = link;
  return words;
}

// --- Outlines: us-atlas by topojson-client; the states at once, the counties when one is looked for or near ---

function deskOutlines(map, { states, counties }, isDrawn) {
  const kept = new Map();
  function fetchOnce(address) {
    if (!kept.has(address)) {
      const asked = fetch(address).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))));
      kept.set(address, asked.catch(() => (kept.delete(address), null))); // asked again the next time
    }
    return kept.get(address);
  }
  const lines = L.layerGroup().addTo(map);
  const style = { className: "desk-outline", weight: 1, interactive: false };
  let shapes = null; // of the counties, each with its bounds
  let near = null;

  async function drawStates() {
    const atlas = states && (await fetchOnce(states));
    if (atlas) L.geoJSON(topojson.mesh(atlas, atlas.objects.states), style).addTo(lines);
  }

  async function countyShapes() {
    const atlas = counties && (await fetchOnce(counties));
    if (atlas && !shapes) {
      shapes = topojson.feature(atlas, atlas.objects.counties).features.filter((one) => one.geometry);
      for (const one of shapes) one.bounds = L.geoJSON(one).getBounds();
    }
    return shapes || [];
  }

  async function drawCounties() {
    if (map.getZoom() < DESK_COUNTIES_FROM) return near?.clearLayers();
    const found = await countyShapes();
    near ??= L.geoJSON(null, { style: { ...style, className: "desk-outline desk-outline-county", fill: false } }).addTo(map);
    near.clearLayers();
    if (map.getZoom() < DESK_COUNTIES_FROM) return undefined;
    const seen = map.getBounds();
    for (const one of found) if (seen.intersects(one.bounds)) near.addData(one);
    return undefined;
  }

  async function boundsOf(fips) {
    if (fips.length === 5) return (await countyShapes()).find((one) => one.id === fips)?.bounds;
    const atlas = states && (await fetchOnce(states));
    const shape = atlas?.objects.states.geometries.find((one) => one.id === fips);
    return shape && L.geoJSON(topojson.feature(atlas, shape)).getBounds();
  }

  // Says whether the place was found. Alaska's islands reach over the date line, and its outline round the world.
  async function moveTo({ fips, latitude, longitude, zoom }) {
    if (fips) {
      const bounds = fips === "02" ? L.latLngBounds([[51, -172], [71.5, -130]]) : await boundsOf(fips);
      if (!bounds?.isValid()) return false;
      map.fitBounds(bounds, { padding: [8, 8], animate: false });
      return true;
    }
    if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) return false;
    map.setView([latitude, longitude], zoom || 11, { animate: false });
    return true;
  }

  if (isDrawn && states) {
    drawStates();
    map.on("moveend", drawCounties);
  }
  return { moveTo };
}

// --- Leads: a sign for each status, circles with a number where there are many ---

const DESK_SHAPES = {
  circle: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z",
  diamond: "M8 0l8 8-8 8-8-8Z",
  square: "M1.5 1.5h13v13h-13Z",
  triangle: "M8 1l8 14H0Z",
  cross: "M4 0l4 4 4-4 4 4-4 4 4 4-4 4-4-4-4 4-4-4 4-4-4-4Z",
};

function deskSign(status, shape) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1 -1 18 18");
  svg.setAttribute("class", `desk-sign desk-sign-${status}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", DESK_SHAPES[shape] || DESK_SHAPES.circle);
  svg.append(path);
  return svg;
}

// A lead that somebody reads of stays open, and in focus, though all are drawn anew: opening it may move the map.
function deskLeads(map, layer, found, signs, labels) {
  const of = (is) => layer.getLayers().find((one) => one.options.lead && is(one))?.options.lead;
  const open = of((one) => one.isPopupOpen());
  const focused = of((one) => one.getElement() === document.activeElement);
  layer.clearLayers();
  for (const pin of found.pins) {
    const icon = L.divIcon({ className: "desk-lead-pin", iconSize: [18, 18], html: deskSign(pin.status, signs[pin.status]) });
    const words = `${pin.address}, ${labels[pin.status]}`;
    const marker = L.marker([pin.latitude, pin.longitude], { icon, alt: words, title: words, lead: pin.link });
    marker.bindPopup(() => deskLead(pin, labels), { autoPan: pin.link !== open }).addTo(layer);
    if (pin.link === open) marker.openPopup().getPopup().options.autoPan = true; // not back to where she left it
    if (pin.link === focused) marker.getElement().focus({ preventScroll: true });
  }
  for (const cluster of found.clusters) {
    const size = 28 + 6 * Math.min(4, Math.floor(Math.log10(cluster.leads))); // px: wider for ten times as many
    const number = Object.assign(document.createElement("span"), { textContent: cluster.leads.toLocaleString("en-US") });
    const icon = L.divIcon({ className: "desk-cluster", iconSize: [size, size], html: number });
    const parts = Object.entries(cluster.byStatus).map(([status, leads]) => `${leads.toLocaleString("en-US")} ${labels[status]}`);
    const words = `${cluster.leads.toLocaleString("en-US")} leads: ${parts.join(", ")}. Press to look closer`;
    const [west, south, east, north] = cluster.box;
    const closer = () => map.fitBounds([[south, west], [north, east]], { padding: [32, 32], maxZoom: Math.min(19, map.getZoom() + 3) });
    L.marker([cluster.latitude, cluster.longitude], { icon, alt: words, title: words })
      .on("click", closer)
      .on("keypress", ({ originalEvent }) => {  // Leaflet's markers open popups by Enter, and do nothing else
        if (!["Enter", " "].includes(originalEvent.key)) return;
        originalEvent.preventDefault();
        map.getContainer().focus({ preventScroll: true });  // the pressed one is gone in a moment
        closer();
      })
      .addTo(layer);
  }
}

function deskLead(pin, labels) {
  const box = document.createElement("div");
  const lines = [deskWords(pin.address, pin.link), deskWords(labels[pin.status])];
  if (pin.owner) lines.push(deskWords(`Owner: ${pin.owner}`));
  lines.push(deskWords(pin.hasPhone ? "Has a phone" : "No phone yet"));
  for (const line of lines) {
    const paragraph = Object.assign(document.createElement("p"), { className: "desk-popup-line" });
    paragraph.append(line);
    box.append(paragraph);
  }
  return box;
}

// Meridians and parallels, 2 to 12 of them in sight, with their degrees.
function deskGrid(map) {
  const steps = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
  const layer = L.layerGroup().addTo(map);

  function line(ends, label, at) {
    L.polyline(ends, { className: "desk-grid-line", weight: 1, interactive: false }).addTo(layer);
    const icon = L.divIcon({ className: "desk-grid-label", html: label, iconSize: null });
    L.marker(at, { icon, interactive: false, keyboard: false }).addTo(layer);
  }

  function draw() {
    layer.clearLayers();
    const seen = map.getBounds();
    const [west, east, south, north] = [seen.getWest(), seen.getEast(), seen.getSouth(), seen.getNorth()];
    const step = steps.findLast((one) => (east - west) / one <= 8) || 30;
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    for (let n = Math.ceil(west / step); n * step <= east; n++) {
      const lon = n * step;
      line([[-85, lon], [85, lon]], `${Math.abs(lon).toFixed(digits)}° ${lon < 0 ? "W" : "E"}`, [north, lon]);
    }
    for (let n = Math.ceil(south / step); n * step <= north; n++) {
      const lat = n * step;
      line([[lat, west - 360], [lat, east + 360]], `${Math.abs(lat).toFixed(digits)}° ${lat < 0 ? "S" : "N"}`, [lat, west]);
    }
  }

  map.on("moveend", draw);
  draw();
}

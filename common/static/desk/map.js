// A Leaflet map that also works without tiles: pins, a scale and a grid of degrees on a plain ground.
// deskMap(element) reads data-tiles and data-credit, and gives {map, pins(list)}; a pin is {at: [lat, lon], words, link?}.
"use strict";

function deskMap(element) {
  const { tiles, credit } = element.dataset;
  const options = { minZoom: 3, maxZoom: 19, worldCopyJump: true, zoomControl: false, attributionControl: Boolean(tiles) };
  const map = L.map(element, { fadeAnimation: false, ...options }).setView([39.5, -98.35], 4);
  L.control.zoom({ position: "topright" }).addTo(map);
  L.control.scale({ position: "bottomright" }).addTo(map);
  if (tiles) L.tileLayer(tiles, { maxZoom: 19, attribution: credit }).addTo(map);
  else deskGrid(map);
  const layer = L.layerGroup().addTo(map);

  function pins(list) {
    layer.clearLayers();
    for (const pin of list) {
      const icon = L.divIcon({ className: "desk-pin", iconSize: [16, 16] });
      const words = document.createElement(pin.link ? "a" : "span");
      words.textContent = pin.words;
      if (pin.link) words.href = pin.link;
      L.marker(pin.at, { icon, alt: pin.words, title: pin.words }).bindPopup(words).addTo(layer);
    }
    if (list.length) map.fitBounds(list.map((pin) => pin.at), { padding: [32, 32], maxZoom: 15 });
  }

  return { map, pins };
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

// Drawing an area on a map: by mouse or finger, by keyboard, and as numbers in a field that the form sends.
// deskArea({map, field, button, corner, said, changed}): the field holds "latitude,longitude latitude,longitude …";
// `corner` adds one at the middle of the map; `said` is told what happens; `changed` is called once an area stands.
"use strict";

const DESK_CORNERS = [3, 100]; // least and most, as common/values/geo.py has them

function deskArea({ map, field, button, corner, said, changed }) {
  const shape = L.polygon([], { className: "desk-circle", interactive: false });
  const open = L.polyline([], { className: "desk-circle", interactive: false, dashArray: "4 6" });
  const handles = L.layerGroup().addTo(map);
  let corners = [];
  let drawing = false;

  const read = () =>
    field.value
      .trim()
      .split(/[\s;]+/)
      .filter(Boolean)
      .map((part) => part.split(",").map(Number))
      .filter((pair) => pair.length === 2 && pair.every(Number.isFinite));

  function write() {
    field.value = corners.map(([latitude, longitude]) => `${latitude.toFixed(5)},${longitude.toFixed(5)}`).join(" ");
  }

  function show() {
    const isArea = corners.length >= DESK_CORNERS[0];
    handles.clearLayers();
    shape.setLatLngs(corners);
    open.setLatLngs(corners);
    if (drawing) open.addTo(map);
    else open.remove();
    if (isArea) shape.addTo(map);
    else shape.remove();
    corners.forEach((at, index) => handle(at, index));
    button.textContent = drawing ? (isArea ? "Finish the area" : "Stop drawing") : corners.length ? "Remove the area" : "Draw an area";
    corner.hidden = !drawing;
  }

  function handle(at, index) {
    const title = `Corner ${index + 1}: drag to move it`;
    const icon = L.divIcon({ className: "desk-handle", iconSize: [16, 16] });
    const marker = L.marker(at, { draggable: true, title, alt: title, icon }).addTo(handles);
    marker.on("drag", () => {
      const { lat, lng } = marker.getLatLng();
      corners.splice(index, 1, [lat, lng]);
      shape.setLatLngs(corners);
      open.setLatLngs(corners);
    });
    marker.on("dragend", () => {
      write();
      if (!drawing) changed();
    });
    marker.on("click", () => drawing && index === 0 && corners.length >= DESK_CORNERS[0] && finish());
  }

  function add(at) {
    if (!drawing || corners.length >= DESK_CORNERS[1]) return;
    const { lat, lng } = at.wrap();
    corners.push([lat, lng]);
    said(`${corners.length} corner${corners.length === 1 ? "" : "s"}. ${corners.length < DESK_CORNERS[0] ? "An area has at least three." : "Press Finish, or the first corner, when the area is whole."}`);
    show();
  }

  function begin() {
    drawing = true;
    corners = [];
    map.doubleClickZoom.disable();
    map.closePopup();
    map.getContainer().classList.add("desk-drawing");
    said("Click or tap the map at each corner. By keyboard: move the map with the arrow keys, then press Add a corner.");
    show();
  }

  function finish() {
    drawing = false;
    map.doubleClickZoom.enable();
    map.getContainer().classList.remove("desk-drawing");
    if (corners.length < DESK_CORNERS[0]) corners = [];
    said(corners.length ? `Area with ${corners.length} corners.` : "No area.");
    write();
    show();
    changed();
  }

  function clear() {
    corners = [];
    field.value = "";
    show();
  }

  button.addEventListener("click", () => {
    if (drawing) return finish();
    if (!corners.length) return begin();
    clear();
    said("The area is removed.");
    return changed();
  });
  corner.addEventListener("click", () => add(map.getCenter()));
  map.on("click", (event) => add(event.latlng));
  document.addEventListener("keydown", (event) => {
    if (!drawing || !["Escape", "Backspace"].includes(event.key) || event.target.matches("input, textarea")) return;
    event.preventDefault();
    if (event.key === "Backspace") {
      corners.pop();
      show();
    } else {
      corners = [];
      finish();
    }
  });
  field.addEventListener("change", () => {
    corners = read();
    show();
    if (corners.length) map.fitBounds(corners, { padding: [16, 16] });
  });

  corners = read();
  show();
  if (corners.length) map.fitBounds(corners, { padding: [16, 16], animate: false });
  return { clear, isDrawing: () => drawing, stands: () => corners.length >= DESK_CORNERS[0] };
}

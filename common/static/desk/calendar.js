// Events are moved by dragging, or by Alt and an arrow: 15 minutes, or a day. The server says whether it may be.
const STEP = 15;
const grid = document.querySelector(".desk-calendar");
const form = document.getElementById("calendar-move");
const said = document.getElementById("calendar-said");
const scale = Number(grid.dataset.scale);
const first = Number(grid.dataset.first);
const two = (n) => String(n).padStart(2, "0");

// Wall time, without a zone: the browser's own clock has no part in it.
const read = (text) => Date.UTC(...text.match(/\d+/g).map((part, n) => Number(part) - (n === 1 ? 1 : 0)));
const written = (at) => new Date(at).toISOString().slice(0, 16);
const spoken = (at) =>
  new Date(at).toLocaleString("en-US", { timeZone: "UTC", weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

function send(event, at) {
  if (written(at) === event.dataset.starts) return;
  form.action = event.dataset.move;
  form.elements.starts.value = written(at);
  form.submit();
}

// --- By keyboard: the moves add up until Alt is let go ---
let waiting = null;
document.addEventListener("keydown", (press) => {
  const event = press.target.closest?.("[data-move]");
  const moves = { ArrowUp: -STEP, ArrowDown: STEP, ArrowLeft: -1440, ArrowRight: 1440 };
  if (!event || !press.altKey || !(press.key in moves)) return;
  press.preventDefault();
  const at = (waiting?.event === event ? waiting.at : read(event.dataset.starts)) + moves[press.key] * 60000;
  const when = event.querySelector(".desk-calendar-when");
  if (waiting?.event !== event) stay();
  waiting = { event, at, shown: waiting?.shown ?? when.textContent };
  said.textContent = `Moves to ${spoken(at)}`;
  when.textContent = spoken(at);
});
document.addEventListener("keyup", (press) => {
  if (press.key !== "Alt" || !waiting) return;
  press.preventDefault();
  const { event, at } = waiting;
  if (written(at) === event.dataset.starts) stay();
  else send(event, at);
  waiting = null;
});

// Escape, or another window before Alt is let go: it stays where it was.
function stay() {
  if (!waiting) return;
  waiting.event.querySelector(".desk-calendar-when").textContent = waiting.shown;
  said.textContent = "Not moved";
  waiting = null;
}
window.addEventListener("blur", stay);
document.addEventListener("keydown", (press) => {
  if (press.key !== "Escape") return;
  stay();
  drop();
});

// --- By pointer ---
let drag = null;
grid.addEventListener("pointerdown", (press) => {
  const event = press.target.closest("[data-move]");
  if (!event || press.button !== 0 || getComputedStyle(event).position !== "absolute") return; // a list scrolls
  const box = event.getBoundingClientRect();
  drag = { event, x: press.clientX, y: press.clientY, from: press.clientY - box.top, moved: false };
});
document.addEventListener("pointermove", (press) => {
  if (!drag) return;
  drag.moved ||= Math.hypot(press.clientX - drag.x, press.clientY - drag.y) > 5;
  if (!drag.moved) return;
  press.preventDefault();
  drag.event.classList.add("is-dragged");
  drag.event.style.translate = `${press.clientX - drag.x}px ${press.clientY - drag.y}px`;
});
document.addEventListener("pointerup", (press) => {
  if (!drag) return;
  const { event, from, moved } = drag;
  if (!moved) return void (drag = null);
  event.addEventListener("click", (click) => click.preventDefault(), { once: true, capture: true });
  const day = [...grid.querySelectorAll("[data-day]")].find((one) => {
    const box = one.getBoundingClientRect();
    return press.clientX >= box.left && press.clientX < box.right;
  });
  drop();
  if (!day) return;
  if ("whole" in event.dataset) return send(event, read(`${day.dataset.day}${event.dataset.starts.slice(10)}`));
  const minutes = first + (press.clientY - from - day.getBoundingClientRect().top) / scale;
  const snapped = Math.max(0, Math.min(1440 - STEP, Math.round(minutes / STEP) * STEP));
  send(event, read(`${day.dataset.day}T${two(Math.floor(snapped / 60))}:${two(snapped % 60)}`));
});
document.addEventListener("pointercancel", drop);

function drop() {
  if (drag) drag.event.style.translate = "";
  drag?.event.classList.remove("is-dragged");
  drag = null;
}

// What was just moved or saved has the focus again.
// By a parameter, not by a fragment: a browser takes the focus from where a fragment leads to.
const changed = new URLSearchParams(location.search).get("event");
if (changed) document.getElementById(`event-${changed}`)?.querySelector("a").focus();

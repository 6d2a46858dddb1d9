// The dialer: every act a key. Each act posts, and its answer is the moving piece of the page.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const desk = document.getElementById("dialer");
  if (!desk) return;
  const stage = document.getElementById("dialer-stage");
  const said = document.getElementById("dialer-said");
  const single = document.getElementById("dialer-single");
  const tokens = document.getElementById("dialer-token");
  const acts = desk.dataset.acts;
  const now = () => document.getElementById("dialer-now");
  const RENEW = 60_000, ASK = 2_000, TAB = 5_000, PATIENCE = 20_000; // ms
  let busy = false;

  // --- Words -----------------------------------------------------------------------------------------------------

  function say(words, trouble = false) {
    said.classList.toggle("desk-trouble", trouble);
    said.hidden = !words;
    said.textContent = words;
  }

  function signedOut() {
    keepNote();
    say("You were signed out. Your note is kept: sign in again in another tab, then press the key once more.", true);
    const link = Object.assign(document.createElement("a"), { href: acts, className: "desk-link", textContent: " Sign in" });
    said.append(link);
  }

  // --- The note outlives a press that came to nothing, and a sign-in ---------------------------------------------

  const noteKey = () => `dialer-note-${desk.dataset.person}-${now().dataset.member || now().dataset.attempt}`;
  const note = () => document.getElementById("dialer-note");

  function keepNote() {
    if (note()) sessionStorage.setItem(noteKey(), note().value);
  }

  function bringNote() {
    if (note() && !note().value) note().value = sessionStorage.getItem(noteKey()) || "";
  }

  stage.addEventListener("input", (event) => {
    if (event.target === note()) keepNote();
  });

  let composing = false; // a letter of several presses is begun: what is replaced now would lose it
  stage.addEventListener("compositionstart", () => { composing = true; });
  stage.addEventListener("compositionend", () => { composing = false; });

  // --- Acts ------------------------------------------------------------------------------------------------------

  function body(form, submitter) {
    const given = form ? new FormData(form, submitter) : new FormData();
    const saysLists = given.has("list");
    for (const [name, value] of new FormData(tokens)) if (name !== "list" || !saysLists) given.append(name, value);
    return given;
  }

  const token = (where) => where.querySelector("#dialer-token [name=csrfmiddlewaretoken]");

  async function ask(path, given, again = false) {
    const answer = await fetch(acts + path, {
      method: given ? "POST" : "GET", body: given, signal: AbortSignal.timeout(PATIENCE),
      headers: { "X-Requested-With": "XMLHttpRequest" },
    });
    if (answer.headers.get("X-Dialer")) return answer;
    if (new URL(answer.url).pathname.endsWith("/login/")) signedOut();
    else if (answer.status === 403 && given && !again) return anew(path, given);
    else if (answer.status === 403) say("Your role does not let you call any more, or you work for another team in this browser: load the page again.", true);
    else say("The server could not do that. Press the key again.", true);
    return null;
  }

  // Who signed in again has another token: the page's own is fetched anew, and the press is sent once more.
  async function anew(path, given) {
    const page = await fetch(acts);
    if (new URL(page.url).pathname.endsWith("/login/")) return signedOut();
    const fresh = token(new DOMParser().parseFromString(await page.text(), "text/html"));
    if (!fresh) return say("Your role does not let you call any more: load the page again.", true);
    token(desk).value = fresh.value;
    given.set("csrfmiddlewaretoken", fresh.value);
    return ask(path, given, true);
  }

  async function act(name, given) {
    if (busy) return;
    busy = true;
    desk.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(`${name}/`, given);
      if (answer) put(await answer.text(), name);
    } catch (error) {
      say(error.name === "TimeoutError" ? "No answer yet. Nothing is done twice: press the key again." : "No connection. What you wrote is still here: press the key again.", true);
    } finally {
      busy = false;
      desk.removeAttribute("aria-busy");
    }
  }

  function put(html, name) {
    const before = now().dataset;
    const same = { member: before.member, attempt: before.attempt };
    const caret = document.activeElement === note() ? [note().selectionStart, note().selectionEnd] : null;
    const held = caret ? note().value : "";
    const asked = name === "dispose" ? timeAsked() : null;
    for (const open of stage.querySelectorAll("dialog[open]")) open.close();
    stage.innerHTML = html; // our own template's, escaped there
    const { state, member, attempt } = now().dataset;
    if (name === "dispose" && !document.getElementById("dialer-trouble")) {
      sessionStorage.removeItem(`dialer-note-${desk.dataset.person}-${same.member || same.attempt}`);
    }
    bringNote();
    say(now().dataset.said);
    fresh();
    tick();
    const trouble = document.getElementById("dialer-trouble");
    if (caret && attempt && attempt === same.attempt && !trouble) { // she writes on, whatever her call has come to
      note().value = held;
      note().focus();
      note().setSelectionRange(...caret);
    } else (trouble || document.getElementById(state === "call" ? "dialer-ended" : "dialer-who"))?.focus();
    if (trouble && asked && attempt === same.attempt) askAgain(asked, trouble.textContent);
    if (name === "call" && !trouble && attempt && attempt !== same.attempt) document.getElementById("dialer-dial")?.click();
    sessionStorage.setItem("dialer-has", member || "");
  }

  // Which lists she works stays so after the piece with their boxes is gone.
  function setLists(ids) {
    for (const old of tokens.querySelectorAll('[name="list"]')) old.remove();
    for (const id of ids) tokens.append(Object.assign(document.createElement("input"), { type: "hidden", name: "list", value: id }));
    history.replaceState(null, "", ids.length ? `${acts}?${new URLSearchParams(ids.map((id) => ["list", id]))}` : acts);
  }

  desk.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.act) return; // of a dialog that closes
    event.preventDefault();
    const button = event.submitter;
    if (form.id === "dialer-how" && button?.dataset.needs === "time") return openTime(button);
    if (form.id === "dialer-how" && button?.dataset.needs === "note" && !note().value.trim()) {
      say(`${button.dataset.label}: write a note first, then press ${button.dataset.key} again.`);
      return note().focus();
    }
    const given = body(form, button);
    if (form.dataset.act === "next") setLists(given.getAll("list"));
    if (form.dataset.with) for (const [name, value] of new FormData(document.getElementById(form.dataset.with))) given.append(name, value);
    act(form.dataset.act, given);
  });

  desk.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.shows) document.getElementById(button.dataset.shows).showModal();
    if (button.hasAttribute("data-hides")) button.closest("dialog").close();
    if (button.dataset.does) {
      const given = body();
      given.append(button.dataset.does === "release" ? "member" : "attempt", button.dataset.value);
      const since = stage.querySelector("[data-since]");
      if (since) given.append("seconds", String(Math.max(0, Math.round(serverNow() - since.dataset.since))));
      act(button.dataset.does, given);
    }
    if (button.dataset.shows === "dialer-skip") document.getElementById("dialer-reason").select();
  });

  // --- A time in words -------------------------------------------------------------------------------------------

  function openTime(button) {
    const dialog = document.getElementById("dialer-when");
    dialog.querySelector('[name="code"]').value = button.value;
    document.getElementById("dialer-when-title").textContent = `${button.dataset.label}: when?`;
    for (const part of dialog.querySelectorAll("[data-of]")) {
      part.hidden = part.dataset.of !== button.dataset.outcome;
      for (const input of part.querySelectorAll("input")) input.disabled = part.hidden;
    }
    dialog.showModal();
    document.getElementById("dialer-time").focus();
  }

  // What stood in the dialog whose answer was no: it is asked again there, beside why.
  function timeAsked() {
    const dialog = document.querySelector("#dialer-when[open]");
    return dialog && [...dialog.querySelectorAll("input")].map(({ name, value, checked }) => ({ name, value, checked }));
  }

  function askAgain(asked, why) {
    const code = asked.find((one) => one.name === "code").value;
    const button = [...stage.querySelectorAll("#dialer-how button")].find((one) => one.value === code);
    if (!button) return;
    openTime(button);
    for (const one of asked) Object.assign(document.querySelector(`#dialer-when [name="${one.name}"]`), { value: one.value, checked: one.checked });
    const words = document.getElementById("dialer-meant");
    words.textContent = why;
    words.classList.add("desk-trouble");
    document.getElementById("dialer-time").select();
  }

  let asking, askAt;
  stage.addEventListener("input", (event) => {
    if (event.target.id !== "dialer-time") return;
    clearTimeout(askAt);
    askAt = setTimeout(meant, 250, event.target);
  });

  async function meant(input) {
    asking?.abort();
    asking = new AbortController();
    const words = document.getElementById("dialer-meant");
    const query = new URLSearchParams({ text: input.value, attempt: now().dataset.attempt });
    try {
      const answer = await fetch(`${acts}when/?${query}`, { signal: asking.signal });
      if (!answer.ok || !answer.headers.get("X-Dialer")) return;
      const told = await answer.json();
      words.textContent = told.words || told.trouble;
      words.classList.toggle("desk-trouble", Boolean(told.trouble));
    } catch (error) {
      if (error.name !== "AbortError") words.textContent = "";
    }
  }

  // --- Keys ------------------------------------------------------------------------------------------------------

  single.checked = localStorage.getItem("dialer-single") !== "off";
  single.addEventListener("change", () => localStorage.setItem("dialer-single", single.checked ? "on" : "off"));

  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.key === "Escape" && target === note()) return document.getElementById("dialer-who").focus();
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || busy) return;
    if (document.querySelector("dialog[open]")) return;
    if (target.closest("textarea, select, [contenteditable]") || (target.matches("input") && !target.matches("[type=radio], [type=checkbox]"))) return;
    if (event.key === "Enter") {
      if (target.closest("a, button, summary, input[type=checkbox]")) return; // its own press
      return press("[data-enter]", event);
    }
    if (!single.checked || event.key.length !== 1) return;
    if (event.key.toLowerCase() === "x") return nextNumber(event);
    const key = event.key === '"' || event.key === "\\" ? "" : event.key.toLowerCase();
    if (key.trim()) press(`[data-key="${CSS.escape(key)}"]`, event);
  });

  function press(selector, event) {
    const found = [...desk.querySelectorAll(selector)].find((one) => !one.disabled && !one.closest("dialog"));
    if (!found) return;
    event.preventDefault();
    if (found === note()) found.focus();
    else if (found.matches("span")) say(found.textContent); // what cannot be done now, and why
    else found.click();
  }

  function nextNumber(event) {
    const all = [...stage.querySelectorAll('input[name="number"]')];
    if (all.length < 2) return;
    event.preventDefault();
    const one = all[(all.findIndex((radio) => radio.checked) + 1) % all.length];
    one.checked = true;
    say(`Marked: ${one.closest("li").querySelector(".desk-contact").textContent}`);
  }

  // --- Clocks ----------------------------------------------------------------------------------------------------

  let skew = 0; // s: the campaigns' clock less this machine's
  const serverNow = () => Date.now() / 1000 + skew;

  function fresh() {
    skew = Number(now().dataset.now) - Date.now() / 1000;
    undoUntil = document.getElementById("dialer-undo") ? Date.now() + 1000 * document.getElementById("dialer-undo").dataset.seconds : 0;
  }

  let undoUntil = 0;
  function tick() {
    const undo = document.getElementById("dialer-undo");
    if (undo) {
      const left = Math.ceil((undoUntil - Date.now()) / 1000);
      if (left > 0) undo.querySelector("[data-count]").textContent = left;
      else undo.remove();
    }
    const since = stage.querySelector("[data-since]");
    if (since) {
      const seconds = Math.max(0, Math.round(serverNow() - since.dataset.since));
      since.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }
    for (const clock of stage.querySelectorAll("[data-clock]")) {
      const shown = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", timeZone: clock.dataset.clock, timeZoneName: "short" });
      clock.textContent = shown.format(new Date(serverNow() * 1000)).replace("\u202f", " ");
    }
  }
  setInterval(tick, 1000);

  // --- The lease, and a call that a vendor places ----------------------------------------------------------------

  setInterval(async () => {
    const member = now().dataset.member;
    if (!member || busy) return;
    const given = body();
    given.append("member", member);
    try {
      const answer = await ask("renew/", given);
      if (answer && answer.status !== 204 && !busy && now().dataset.member === member) put(await answer.text(), "renew");
    } catch {
      say("No connection: the lead stays yours for 15 minutes. Calls go on as soon as it is back.", true);
    }
  }, RENEW);

  setInterval(async () => {
    const seen = now().dataset.seen;
    if (!seen || busy || composing || document.querySelector("dialog[open]")) return;
    try {
      const answer = await ask(`now/?${new URLSearchParams({ seen })}`);
      const html = answer?.status === 200 ? await answer.text() : "";
      if (html && !busy && !composing && now().dataset.seen === seen && !document.querySelector("dialog[open]")) put(html, "now");
    } catch {
      say("No connection: whether the call goes on shows when it is back.", true);
    }
  }, ASK);

  // --- Closing: the lead goes back at once, unless another tab has it too, or a call is to be told of --------------

  const tab = `dialer-tab-${Math.random().toString(36).slice(2)}`;
  const mark = () => localStorage.setItem(tab, String(Date.now()));
  mark();
  setInterval(mark, TAB);

  function others() {
    const found = Object.keys(localStorage).filter((key) => key.startsWith("dialer-tab-") && key !== tab);
    return found.filter((key) => {
      const isThere = Date.now() - Number(localStorage.getItem(key)) < 3 * TAB;
      if (!isThere) localStorage.removeItem(key);
      return isThere;
    });
  }

  addEventListener("pagehide", () => {
    localStorage.removeItem(tab);
    const { member, attempt } = now().dataset;
    if (!member || attempt || others().length) return;
    const given = body();
    given.append("member", member);
    navigator.sendBeacon(`${acts}release/`, given);
  });

  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // of a page from the browser's cache: what it shows was given back
  });

  // --- Beginning -------------------------------------------------------------------------------------------------

  fresh();
  tick();
  bringNote();
  document.getElementById("dialer-who")?.focus();
  const reloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
  if (reloaded && sessionStorage.getItem("dialer-has") && now().dataset.state === "start") {
    document.querySelector("#dialer-start [data-enter]")?.click(); // she had one, and loaded the page again
  }
});

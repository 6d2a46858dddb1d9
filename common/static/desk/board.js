// The board of leads: cards are dragged, moved by keys or by their menus; the last move can be taken back.
(() => {
  "use strict";
  const board = document.querySelector("[data-board]");
  if (!board) return;
  const says = board.querySelector("[data-board-says]");
  const undo = board.querySelector("[data-board-undo]");
  const columns = () => [...board.querySelectorAll("[data-column]")];
  const columnAt = (key) => columns().find((one) => one.dataset.column === key);
  const columnOf = (card) => card.closest("[data-column]");
  const cardsOf = (column) => [...column.querySelectorAll("[data-lead]")];
  let last = null;
  let dragged = null;

  const say = (words) => {
    says.textContent = "";
    requestAnimationFrame(() => { says.textContent = words; });
  };

  const count = (column, by) => {
    const shown = column.querySelector("[data-count]");
    const many = Number(shown.textContent.replaceAll(",", ""));
    if (!Number.isNaN(many)) shown.textContent = Math.max(0, many + by).toLocaleString("en-US");
  };

  const put = (card, key) => {
    const from = columnOf(card);
    const to = columnAt(key);
    const had = card.contains(document.activeElement) || card === document.activeElement;
    if (from === to) return;
    count(from, -1);
    if (!to) { card.remove(); return; }
    to.querySelector("ul").prepend(card);
    count(to, 1);
    const form = card.querySelector("form");
    if (form) {
      form.elements.was.value = key;
      form.elements.to.value = key;
      form.querySelector("[data-board-go]").classList.remove("desk-board-ready");
    }
    if (had) card.focus();
  };

  const send = async (lead, to, was) => {
    const body = new FormData();
    body.set("lead", lead);
    body.set("to", to);
    body.set("was", was);
    body.set("csrfmiddlewaretoken", board.querySelector("[name=csrfmiddlewaretoken]").value);
    const answer = await fetch(board.dataset.board, {
      method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin",
    });
    if (new URL(answer.url).pathname.endsWith("/login/")) {
      return { ok: false, told: { words: "You were signed out, and nothing was moved. Load the page again to sign in." } };
    }
    const told = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : {};
    return { ok: answer.ok, told };
  };

  const offerUndo = (lead, to, was) => {
    last = { lead, to, was };
    undo.hidden = false;
    undo.elements.lead.value = lead;
    undo.elements.to.value = to;
    undo.elements.was.value = was;
  };

  const move = async (card, key) => {
    const from = columnOf(card);
    const was = from.dataset.column;
    const to = columnAt(key);
    if (!to || key === was || card.dataset.busy) return;
    if (to.dataset.closed !== undefined) { say(`${to.dataset.words} is retired: leads cannot be moved to it.`); return; }
    card.dataset.busy = "yes";
    put(card, key);
    let got;
    try {
      got = await send(card.dataset.lead, key, was);
    } catch {
      got = { ok: false, told: { words: "The server cannot be reached. Nothing was changed." } };
    }
    delete card.dataset.busy;
    if (got.ok) {
      say(got.told.words);
      if (got.told.before !== got.told.now) offerUndo(card.dataset.lead, got.told.before, got.told.now);
      return;
    }
    put(card, got.told.now || was);
    say(got.told.words || "This lead could not be moved. Load the page again.");
  };

  const takeBack = async () => {
    if (!last) return;
    const { lead, to, was } = last;
    const got = await send(lead, to, was).catch(() => ({ ok: false, told: {} }));
    const card = board.querySelector(`[data-lead="${CSS.escape(lead)}"]`);
    if (card && (got.ok || got.told.now)) put(card, got.told.now);
    say(got.ok ? `Taken back. ${got.told.words}` : got.told.words || "The move could not be taken back.");
    last = null;
    undo.hidden = true;
  };

  undo.addEventListener("submit", (event) => {
    if (!last) return;
    event.preventDefault();
    takeBack();
  });

  board.addEventListener("submit", (event) => {
    const card = event.target.closest("[data-lead]");
    if (!card) return;
    event.preventDefault();
    move(card, event.target.elements.to.value);
  });

  board.addEventListener("change", (event) => {
    const card = event.target.matches("select[name=to]") && event.target.closest("[data-lead]");
    if (card) card.querySelector("[data-board-go]").classList.add("desk-board-ready");
  });

  const neighbour = (column, by) => columns()[columns().indexOf(column) + by];

  board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.toLowerCase() === "z" && last && !event.target.matches("input, select, textarea")) {
      event.preventDefault();
      takeBack();
      return;
    }
    const card = event.target;
    if (!card.matches("[data-lead]")) return;
    const column = columnOf(card);
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (side) {
      event.preventDefault();
      let next = neighbour(column, side);
      if (event.shiftKey) {
        while (next && next.dataset.closed !== undefined) next = neighbour(next, side);
        if (next && card.draggable) move(card, next.dataset.column);
        return;
      }
      while (next && !cardsOf(next).length) next = neighbour(next, side);
      if (next) cardsOf(next)[Math.min(cardsOf(column).indexOf(card), cardsOf(next).length - 1)].focus();
      return;
    }
    const along = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (along) {
      event.preventDefault();
      cardsOf(column)[cardsOf(column).indexOf(card) + along]?.focus();
    } else if (event.key === "Enter") {
      card.querySelector("a").click();
    }
  });

  board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-lead]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.lead);
    dragged.classList.add("desk-board-dragged");
  });
  const over = (column) => columns().forEach((one) => one.classList.toggle("desk-board-over", one === column));
  board.addEventListener("dragover", (event) => {
    const column = event.target.closest("[data-column]");
    if (!dragged || !column || column.dataset.closed !== undefined) return;
    event.preventDefault();
    over(column);
  });
  board.addEventListener("drop", (event) => {
    const column = event.target.closest("[data-column]");
    if (!dragged || !column) return;
    event.preventDefault();
    move(dragged, column.dataset.column);
  });
  board.addEventListener("dragend", () => {
    dragged?.classList.remove("desk-board-dragged");
    dragged = null;
    over(null);
  });
})();

/* Notes and tags of the trade in the drawer. What is typed is no part of what the server draws, and outlives its updates. */
(function (app) {
  "use strict";
  var PATIENCE = 15000;
  var drafts = {};  // by trade: what was typed and is not saved
  var open = null;  // the trade whose draft is on the screen
  var watched = new WeakSet();

  function editor() { return document.querySelector(".panel-drawer .trade-editor"); }
  function chosen() { return new URLSearchParams(location.search).get("trade.id") || ""; }

  /** The button that was drawn with the trade in the drawer: it knows the newest version. */
  function drawn() {
    var button = document.querySelector('.panel-drawer [data-action="edit-notes"]');
    return button && button.dataset.trade === chosen() ? button : null;
  }

  function limit(name) { return Number(editor().dataset[name]); }

  function say(words) {
    var line = document.querySelector(".panel-drawer .trade-editor-said");
    if (line) line.textContent = words; // the page may have been left meanwhile
  }

  function close(back) {
    var node = editor();
    if (node) { node.hidden = true; node.replaceChildren(); }
    open = null;
    if (back && drawn()) drawn().focus();
  }

  function remove(draft, tag) {
    draft.tags = draft.tags.filter(function (each) { return each !== tag; });
    draft.changed = true;
    list(draft);
    editor().querySelector(".trade-tag-input").focus();
  }

  function list(draft) {
    var element = app.shell.element;
    var chips = draft.tags.map(function (tag) {
      return element("span", { class: "chip chip-neutral" }, [tag, element("button", {
        type: "button", class: "chip-remove", "aria-label": "Remove the tag " + tag, onclick: function () { remove(draft, tag); },
      }, [app.shell.icon("x")])]);
    });
    var holder = editor().querySelector(".trade-editor-tags");
    holder.replaceChildren.apply(holder, chips);
  }

  function add(draft, input) {
    var tag = input.value.trim();
    if (!tag) return;
    if (draft.tags.indexOf(tag) < 0) {
      if (draft.tags.length >= limit("mostTags")) { say("At most " + limit("mostTags") + " tags."); return; }
      draft.tags = draft.tags.concat([tag]);
      draft.changed = true;
      list(draft);
    }
    input.value = "";
    say("");
  }

  function tagInput(draft) {
    var input = app.shell.element("input", {
      class: "field trade-tag-input", type: "text", placeholder: "Add a tag", "aria-label": "Add a tag", maxlength: editor().dataset.longestTag, autocomplete: "off",
    });
    input.addEventListener("keydown", function (event) {
      if (event.isComposing || (event.key !== "Enter" && event.key !== ",")) return;
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) { save(); return; }
      add(draft, input);
    });
    return input;
  }

  function area(draft) {
    var count = app.shell.element("span", { class: "muted" }), longest = limit("longest");
    var text = app.shell.element("textarea", { class: "field trade-notes-input", rows: "5", maxlength: String(longest), placeholder: "What happened, and what to do about it", "aria-label": "Notes" });
    function counted() { count.textContent = text.value.length + " of " + longest.toLocaleString("en-US"); }
    text.value = draft.notes;
    text.addEventListener("input", function () { draft.notes = text.value; draft.changed = true; counted(); });
    text.addEventListener("keydown", function (event) { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); } });
    counted();
    return [text, count];
  }

  function show(id, focused) {
    var draft = drafts[id], node = editor(), element = app.shell.element, written = area(draft);
    open = id;
    node.hidden = false;
    node.replaceChildren(
      element("div", { class: "trade-editor-line" }, [element("span", { class: "trade-editor-tags" }), tagInput(draft)]),
      written[0],
      element("div", { class: "trade-editor-line" }, [
        element("button", { type: "button", class: "button button-primary", "data-action": "save-notes", onclick: save }, "Save"),
        element("button", { type: "button", class: "button", "data-action": "drop-notes", onclick: function () { delete drafts[id]; close(true); } }, "Cancel"),
        written[1],
      ]),
      element("p", { class: "trade-editor-said", role: "alert" })
    );
    list(draft);
    if (focused) written[0].focus();
  }

  function edit(button) {
    var given = button.dataset, id = given.trade;
    if (!drafts[id]) drafts[id] = { revision: Number(given.revision), notes: given.notes, tags: JSON.parse(given.tags), changed: false };
    show(id, true);
    watch();
  }

  function refused(draft, answer, said) {
    if (answer.status === 409 && said.present) draft.revision = said.present.revision;
    say("Not saved: " + (said.detail || said.title || "the server refused"));
  }

  function save() {
    var id = open, draft = drafts[id], button = editor().querySelector('[data-action="save-notes"]');
    if (!draft || button.disabled) return;
    var input = editor().querySelector(".trade-tag-input");
    add(draft, input);
    if (input.value.trim()) return; // it could not be added, and why is said
    button.disabled = true;
    say("");
    fetch("/api/trades/notes", {
      method: "PUT", headers: { "Content-Type": "application/json" }, signal: AbortSignal.timeout(PATIENCE),
      body: JSON.stringify({ id: id, notes: draft.notes, tags: draft.tags, revision: draft.revision }),
    }).then(function (answer) {
      return answer.json().then(function (said) {
        if (answer.ok) { delete drafts[id]; if (open === id) close(true); app.shell.announce("Notes saved"); }
        else if (open === id) refused(draft, answer, said);
      });
    }).catch(function () { if (open === id) say("Not saved: the server did not answer"); }).finally(function () { button.disabled = false; });
  }

  /** Another trade is in the drawer, or none, or it was drawn anew: its draft belongs to it. */
  function sync() {
    var id = chosen(), node = editor();
    if (open && (open !== id || !node)) {
      if (drafts[open] && !drafts[open].changed) delete drafts[open];
      close(false);
    }
    if (node && !open && drafts[id] && drawn()) show(id, false);
    watch();
  }

  function watch() {
    var panel = document.querySelector(".panel-drawer .panel-content");
    if (!panel || watched.has(panel)) return;
    watched.add(panel);
    new MutationObserver(function () { if (!open && drafts[chosen()]) sync(); }).observe(panel, {
      childList: true, subtree: true, attributeFilter: ["data-trade"], // the same button may become another trade's
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest('[data-action="edit-notes"]');
    if (button) edit(button);
  });
  document.addEventListener("DOMContentLoaded", function () { app.view.onChange(sync); }); // scripts load by name
})(window.aiTrader);

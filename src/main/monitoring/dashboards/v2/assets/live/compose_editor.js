/* The composer: a page as tiles on its grid, to be added, moved, resized, set, named, saved and taken away. */
(function (app) {
  "use strict";
  var WIDTHS = [3, 4, 5, 6, 7, 8, 12], MOST = 60, PATIENCE = 15000;
  var DASHBOARDS = [["trading", "Trading"], ["system", "System"], ["monitoring", "Wallboard"]];
  var catalogue = null, mayChange = true, drafts = {}, open = null; // open: { page, draft, holder }

  function element() { return app.shell.element.apply(null, arguments); }
  function entry(name) { return (catalogue || []).find(function (each) { return each.name === name; }); }
  function clone(value) { return JSON.parse(JSON.stringify(value)); }
  function button(words, act, more) { return element("button", Object.assign({ class: "button", type: "button", onclick: act }, more), words); }

  function blank() { return { page: null, version: null, title: "", dashboard: app.shell.config.dashboard, place: 0, panels: [] }; }

  function draftOf(page) {
    var doc = page.compose.doc;
    if (!drafts[page.address]) drafts[page.address] = doc ? clone(doc) : blank();
    return drafts[page.address];
  }

  /** The address of a title: what can be typed, and is nobody's yet. */
  function named(title) {
    var base = title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 56) || "page";
    var taken = app.composed.all().map(function (each) { return each.page; }).concat("new"), name = base, number = 2;
    while (taken.indexOf(name) >= 0) name = base + "-" + number++;
    return name;
  }

  /* What is said of it. */
  function say(words, tone, buttons) {
    var line = open && open.holder.querySelector(".composer-said");
    if (!line) return;
    line.className = "composer-said" + (tone ? " composer-" + tone : "");
    line.setAttribute("role", tone === "wrong" ? "alert" : "status");
    line.replaceChildren.apply(line, [element("span", {}, words)].concat(buttons || []));
  }

  function blame(errors) {
    open.holder.querySelectorAll(".composer-tile").forEach(function (tile, at) {
      tile.classList.toggle("composer-tile-wrong", (errors || []).some(function (each) { return String(each.name).indexOf("panels[" + at + "]") === 0; }));
    });
  }

  /* Saving and taking away. */
  function ask(method, name, draft, body) {
    var headers = { "Content-Type": "application/json" };
    if (draft.version !== null && draft.version !== undefined) headers["If-Match"] = '"' + draft.version + '"';
    return fetch("/api/pages/" + name, { method: method, headers: headers, body: body, signal: AbortSignal.timeout(PATIENCE) }).then(function (answer) {
      return (answer.status === 204 ? Promise.resolve({}) : answer.json()).then(function (told) { return { status: answer.status, ok: answer.ok, told: told }; });
    });
  }

  function failed() { say("The dashboard did not answer: nothing was saved, as far as is known. Try again.", "wrong"); }

  function refused(answer, mine) {
    blame(answer.told.errors);
    if (answer.status !== 409 || !answer.told.version) { say(answer.told.detail || "It was refused.", "wrong"); return; }
    say("Somebody was quicker: " + answer.told.detail + ".", "wrong", [
      button("Save mine as a copy", function () { mine.page = null; mine.version = null; save(); }),
      button("Load the newest", function () { reload(); }),
    ]);
  }

  function save() {
    var mine = open.draft, page = open.page;
    mine.title = mine.title.trim();
    if (!mine.title) { say("Give the page a title first.", "wrong"); open.holder.querySelector(".composer-title").focus(); return; }
    var name = mine.page || named(mine.title);
    var content = { title: mine.title, dashboard: mine.dashboard, place: mine.place, panels: mine.panels };
    say("Saving …");
    ask("PUT", name, mine, JSON.stringify(content)).then(function (answer) {
      if (!answer.ok) { refused(answer, mine); return; }
      delete drafts[page.address];
      app.composed.forget(page.address);
      var shown = app.composed.saved(Object.assign({ page: name, version: answer.told.version, origin: "user" }, clone(content)));
      app.router.go(shown);
      app.shell.announce("Saved");
    }).catch(failed);
  }

  function leave() {
    var page = open.page, doc = page.compose.doc;
    delete drafts[page.address];
    app.composed.forget(page.address);
    app.router.go(doc ? app.composed.find(app.composed.BASE + doc.page) : app.router.pages()[0]);
  }

  function reload() {
    var page = open.page, name = open.draft.page;
    var newest = app.composed.all().find(function (each) { return each.page === name; });
    if (!newest) { say("The page is not there any more; saving makes it anew.", "wrong"); open.draft.version = null; return; }
    page.compose.doc = newest;
    drafts[page.address] = clone(newest);
    app.composer.open(page);
  }

  function remove() {
    var draft = open.draft, page = open.page;
    var dialog = app.menu.dialog("Delete “" + draft.title + "”?", [
      element("p", { class: "menu-note" }, "It disappears from every viewer's navigation. Its panels stay on their own pages."),
      element("div", { class: "buttons" }, [
        button("Keep it", function () { dialog.hidePopover(); }),
        button("Delete the page", function () {
          dialog.hidePopover();
          ask("DELETE", draft.page, draft).then(function (answer) {
            if (!answer.ok && answer.status !== 404) { refused(answer, draft); return; }
            delete drafts[page.address];
            app.composed.removed(draft.page);
            app.router.go(app.router.pages()[0]);
            app.shell.announce("Deleted");
          }).catch(failed);
        }, { class: "button button-danger" }),
      ]),
    ]);
  }

  function copy(doc) {
    var page = app.composed.composing(app.composed.BASE + "new", null);
    drafts[page.address] = Object.assign(clone(doc), { page: null, version: null, title: ("Copy of " + doc.title).slice(0, 100), origin: "user" });
    if (app.router.current === page) app.composer.open(page); else app.router.go(page);
  }

  /* The tiles. */
  function touched(focus) { draw(); if (focus) { var node = open.holder.querySelector('[data-focus="' + CSS.escape(focus) + '"]'); if (node) node.focus(); } }

  function move(from, to) {
    var panels = open.draft.panels;
    if (to < 0 || to >= panels.length || from === to) return;
    panels.splice(to, 0, panels.splice(from, 1)[0]);
    app.shell.announce(titleOf(panels[to]) + ": place " + (to + 1) + " of " + panels.length);
    touched((to < from ? "earlier " : "later ") + to);
  }

  function titleOf(placed) { var known = entry(placed.panel); return known ? known.title : placed.panel; }

  function choice(label, value, choices, act) {
    var select = element("select", { class: "field composer-field", "aria-label": label }, choices.map(function (each) {
      return element("option", { value: each[0], selected: each[0] === value }, each[1]);
    }));
    select.addEventListener("change", function () { act(select.value); });
    return element("label", { class: "composer-label" }, [element("span", {}, label), select]);
  }

  function option(placed, each) {
    var now = placed.options[each.name], standard = each.choices.length ? each.choices[0][0] : "";
    function set(value) { if (value === standard) delete placed.options[each.name]; else placed.options[each.name] = value; }
    if (each.choices.length) return choice(each.label, now === undefined ? standard : now, each.choices, set);
    var input = element("input", { class: "field composer-field", type: "text", maxlength: "200", value: now || "", placeholder: "as it comes", "aria-label": each.label });
    input.addEventListener("input", function () { set(input.value.trim()); });
    return element("label", { class: "composer-label" }, [element("span", {}, each.label), input]);
  }

  function tile(placed, at) {
    var known = entry(placed.panel), width = placed.width || (known ? known.width : 6), title = titleOf(placed), last = open.draft.panels.length - 1;
    function act(icon, label, key, run, off) {
      return element("button", { class: "icon-button", type: "button", title: label, "aria-label": label + ": " + title, "data-focus": key + " " + at, "aria-disabled": off ? "true" : null, onclick: function () { if (!off) run(); } }, app.shell.icon(icon));
    }
    var sizes = WIDTHS.map(function (each) { return [String(each), each + " of 12"]; });
    var node = element("li", { class: "composer-tile col-" + width, draggable: "true", "data-at": String(at) }, [
      element("div", { class: "composer-tile-head" }, [
        app.shell.icon("grip-vertical"), element("b", { title: placed.panel }, title),
        element("span", { class: "composer-tile-acts" }, [
          act("arrow-left", "Earlier", "earlier", function () { move(at, at - 1); }, at === 0),
          act("arrow-right", "Later", "later", function () { move(at, at + 1); }, at === last),
          act("x", "Remove", "remove", function () { open.draft.panels.splice(at, 1); app.shell.announce(title + " removed"); touched("remove " + Math.min(at, last - 1)); }),
        ]),
      ]),
      element("div", { class: "muted composer-tile-from" }, known ? dashboardName(known.dashboard) + " · " + known.page : "There is no such panel in this version: remove it."),
      element("div", { class: "composer-tile-set" }, known && known.kind === "strip" ? [] : [choice("Width", String(width), sizes, function (value) { placed.width = Number(value); touched(); })]
        .concat(known ? known.options.map(function (each) { return option(placed, each); }) : [])),
    ]);
    if (!known) node.classList.add("composer-tile-wrong");
    return node;
  }

  function dashboardName(name) { return (DASHBOARDS.find(function (each) { return each[0] === name; }) || ["", name])[1]; }

  function draw() {
    var list = open.holder.querySelector(".composer-grid"), panels = open.draft.panels;
    list.replaceChildren.apply(list, panels.map(tile));
    open.holder.querySelector(".composer-empty").hidden = panels.length > 0;
    open.holder.querySelector(".composer-count").textContent = panels.length + (panels.length === 1 ? " panel" : " panels");
  }

  /* The list to add from. */
  function add(known) {
    var panels = open.draft.panels;
    if (panels.length >= MOST) { app.shell.toast("At most " + MOST + " panels stand on a page"); return; }
    panels.push({ panel: known.name, width: null, options: {} });
    draw();
  }

  function choose() {
    var input = element("input", { class: "menu-search composer-search", type: "search", placeholder: "Title, page or what it shows", "aria-label": "Find a panel" });
    var list = element("ul", { class: "composer-list", "aria-label": "Panels" }), said = element("div", { class: "menu-note", role: "status" });
    function fill(news) {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      var found = catalogue.filter(function (each) {
        var within = [each.title, each.name, each.page, each.dashboard, each.description].join(" ").toLowerCase();
        return words.every(function (word) { return within.indexOf(word) >= 0; });
      });
      // What is called so comes before what only tells of it.
      function rank(each) { return words.length && each.title.toLowerCase().indexOf(words[0]) === 0 ? 0 : words.length && each.title.toLowerCase().indexOf(words[0]) > 0 ? 1 : 2; }
      if (words.length) found.sort(function (one, other) { return rank(one) - rank(other); });
      if (!found.length) said.textContent = "No panel is called so."; else if (!news) said.textContent = found.length + (found.length === 1 ? " panel" : " panels");
      list.replaceChildren.apply(list, found.map(function (each) {
        var there = each.once && open.draft.panels.some(function (placed) { return placed.panel === each.name; });
        var node = element("button", { class: "composer-choice", type: "button", "aria-disabled": there ? "true" : null, onclick: function () { if (!there) added(each); } }, [
          element("b", {}, each.title), element("span", { class: "muted" }, there ? "on the page already" : dashboardName(each.dashboard) + " · " + each.page),
          element("span", { class: "composer-told" }, each.description),
        ]);
        return element("li", {}, node);
      }));
    }
    function added(known) {
      add(known);
      said.textContent = known.title + " added, " + open.draft.panels.length + " on the page";
      if (known.once) fill(true);
    }
    input.addEventListener("input", function () { fill(); });
    var dialog = app.menu.dialog("Add panels", [input, said, list, element("div", { class: "buttons" }, [button("Done", function () { dialog.hidePopover(); }, { class: "button button-primary" })])]);
    dialog.classList.add("composer-dialog");
    fill();
    input.focus();
  }

  /* The whole. */
  function head() {
    var draft = open.draft, exists = draft.version !== null && draft.version !== undefined;
    var title = element("input", { class: "field composer-title", type: "text", maxlength: "100", value: draft.title, placeholder: "Title of the page", "aria-label": "Title", required: true });
    title.addEventListener("input", function () { draft.title = title.value; });
    var form = element("form", { class: "composer-head", novalidate: true }, [
      element("label", { class: "composer-label composer-label-wide" }, [element("span", {}, "Title"), title]),
      choice("Appears on", draft.dashboard, DASHBOARDS, function (value) { draft.dashboard = value; }),
      element("span", { class: "composer-count muted" }),
      element("span", { class: "buttons" }, [
        button("Add panels", choose, { "data-focus": "add" }),
        exists ? button("Duplicate", function () { copy(draft); }) : null,
        exists ? button("Delete…", remove) : null,
        button("Cancel", leave),
        element("button", { class: "button button-primary", type: "submit" }, "Save"),
      ].filter(Boolean)),
    ]);
    form.addEventListener("submit", function (event) { event.preventDefault(); save(); });
    return form;
  }

  function fill() {
    open.holder.replaceChildren(head(), element("div", { class: "composer-said", role: "status" }),
      element("ol", { class: "page-grid composer-grid", "aria-label": "Panels of the page in their order" }),
      element("div", { class: "notice composer-empty" }, [
        app.shell.icon("layout-dashboard"), element("div", { class: "notice-title" }, "Nothing stands on this page yet"),
        element("div", { class: "notice-reason" }, "Panels of both dashboards can be put here, in any order and width."),
        element("div", { class: "buttons" }, button("Add panels", choose)),
      ]));
    draw();
  }

  /** Whoever may not save is told so before the work, not after it. */
  function refuse() {
    open.holder.replaceChildren(element("div", { class: "notice" }, [
      app.shell.icon("layout-dashboard"), element("div", { class: "notice-title" }, "You may look at pages, not change them"),
      element("div", { class: "notice-reason" }, "Composing pages needs the role operator. An administrator can give it to you."),
      element("div", { class: "buttons" }, button("Back", leave)),
    ]));
  }

  function ready(page, tries) {
    var holder = document.getElementById("composer-" + page.slug);
    if (app.router.current !== page) return;
    if (!holder || !catalogue) {
      if (tries < 600) requestAnimationFrame(function () { ready(page, tries + 1); });
      return;
    }
    open = { page: page, draft: draftOf(page), holder: holder };
    if (mayChange) fill(); else refuse();
  }

  function fetched() {
    if (catalogue) return;
    fetch("/api/panels").then(function (answer) { return answer.json(); }).then(function (told) { mayChange = told.may_change; catalogue = told.items; }).catch(function () {
      setTimeout(fetched, 3000);
    });
  }

  /* Dragging: the tile under the pointer makes room. */
  var dragged = null;
  function over(event) { return dragged !== null && event.target.closest && event.target.closest(".composer-tile"); }
  function unmark() { document.querySelectorAll(".composer-over").forEach(function (node) { node.classList.remove("composer-over"); }); }
  document.addEventListener("dragstart", function (event) {
    var node = event.target.closest && event.target.closest(".composer-tile");
    if (!node) return;
    dragged = Number(node.dataset.at);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", String(dragged));
  });
  document.addEventListener("dragover", function (event) {
    var node = over(event);
    if (!node) return;
    event.preventDefault();
    unmark();
    node.classList.add("composer-over");
  });
  document.addEventListener("drop", function (event) {
    var node = over(event);
    if (!node) return;
    event.preventDefault();
    unmark();
    move(dragged, Number(node.dataset.at));
    dragged = null;
  });
  document.addEventListener("dragend", function () { dragged = null; unmark(); });

  app.composer = {
    /** Show the composer of a page, once Dash has mounted the place for it. */
    open: function (page) { fetched(); ready(page, 0); },
    /** Begin a new page as a copy of another. */
    copy: copy,
  };
})(window.aiTrader);

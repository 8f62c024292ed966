/* A panel's own choices: shown in its header, kept in the URL as PANEL.OPTION, part of what the server is asked. */
(function (app) {
  "use strict";
  var FEW = 4;       // so many fit side by side; more open as a menu
  var SEARCHED = 12; // from so many on a menu has a field to narrow it
  var TYPING = 300;  // milliseconds after which who types has finished
  var timers = {}, opener = null;
  var offers = {};   // by panel: the names that the data have, by option

  function options(name) { return (app.shell.config.panels[name] || {}).options || []; }
  function standard(option) { return option.choices.length ? option.choices[0][0] : ""; }
  /** Where the viewer begins: as the composed page has it, else as the panel has it. */
  function first(name, option) { var given = app.composed.choice(name, option); return given === null ? standard(option) : given; }
  function key(name, option) { return name + "." + option.name; }

  /** A shared option has one value for the page, unless the panel was given one of its own. */
  function isOwn(name, option) { return new URLSearchParams(location.search).has(key(name, option)); }

  function value(name, option) {
    var query = new URLSearchParams(location.search), given = query.get(key(name, option));
    if (given === null && option.shared) given = query.get(option.name);
    var known = option.choices.some(function (choice) { return choice[0] === given; });
    return given !== null && (known || !option.choices.length) ? given : first(name, option);
  }

  function choices(name, option) {
    if (option.choices.length) return option.choices;
    return ((offers[name] || {})[option.name] || []).map(function (each) { return [each, each || "All"]; });
  }

  /** The panels whose choice this is: all that share it, or this one alone. */
  function sharing(name, option) {
    if (!option.shared || isOwn(name, option)) return [name];
    return Object.keys(app.shell.config.panels).filter(function (other) {
      return options(other).some(function (each) { return each.shared && each.name === option.name; });
    });
  }

  function choose(name, option, to) {
    var change = {}, panels = sharing(name, option), alone = !option.shared || isOwn(name, option);
    change[alone ? key(name, option) : option.name] = to === first(name, option) ? null : to;
    // What was the third page of something is nothing of something else.
    if (option.name !== "page") panels.forEach(function (each) { change[each + ".page"] = null; });
    changed(change, panels);
  }

  function changed(change, panels) {
    app.view.set(change, "option");
    panels.forEach(draw);
    mark();
    app.panels.subscribe();
  }

  /** Take a panel out of those that share an option, or back in. */
  function part(name, option) {
    var change = {}, own = isOwn(name, option);
    change[key(name, option)] = own ? null : value(name, option) || ((offers[name] || {})[option.name] || [])[0] || null;
    changed(change, [name]);
  }

  /** The row of what is chosen stands out in every table that chooses it. */
  function mark() {
    document.querySelectorAll("#page tr[data-choose]").forEach(function (row) {
      var parts = row.dataset.choose.split("."), option = options(parts[0]).find(function (each) { return each.name === parts[1]; });
      var on = Boolean(option && option.shared && value(parts[0], option) === row.dataset.value);
      if (on !== (row.getAttribute("aria-current") === "true")) { if (on) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current"); }
    });
  }

  /** Something inside a panel chooses: `data-choose` is PANEL.OPTION, also of another panel, `data-value` the value. */
  function chosenBy(node) {
    var parts = app.composed.chosen(node), option = options(parts[0]).find(function (each) { return each.name === parts[1]; });
    if (!option) return;
    if (isDrawer(parts[0]) && node.dataset.value) opener = node;
    choose(parts[0], option, node.dataset.value);
  }

  function isDrawer(name) { return (app.shell.config.panels[name] || {}).kind === "drawer"; }

  /** A drawer is there while its first option has a value; the focus goes in with it, and back out. */
  function uncover(name) {
    var panel = document.getElementById("panel-" + name), shown = Boolean(value(name, options(name)[0]));
    if (!panel || panel.hidden === !shown) return;
    panel.hidden = !shown;
    if (shown) { panel.focus(); return; }
    var key = opener && opener.dataset.key, back = opener && opener.isConnected ? opener : key && document.querySelector('[data-key="' + CSS.escape(key) + '"]');
    if (back) back.focus();
    opener = null;
  }

  function typed(name, option, now) {
    var input = app.shell.element("input", { class: "field field-text", type: "search", value: now, placeholder: option.label, "aria-label": option.label, maxlength: "200" });
    input.addEventListener("input", function () {
      clearTimeout(timers[name + option.name]);
      timers[name + option.name] = setTimeout(function () { choose(name, option, input.value.trim()); }, TYPING);
    });
    return input;
  }

  function segmented(name, option, now) {
    var buttons = option.choices.map(function (choice) {
      var on = choice[0] === now;
      return app.shell.element("button", {
        type: "button", role: "radio", "aria-checked": String(on), tabindex: on ? "0" : "-1",
        onclick: function () { choose(name, option, choice[0]); },
      }, choice[1]);
    });
    var node = app.shell.element("div", { class: "segmented segmented-small", role: "radiogroup", "aria-label": option.label }, buttons);
    node.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      var at = option.choices.findIndex(function (choice) { return choice[0] === now; }) + (step || 0);
      if (!step || !option.choices[at]) return;
      event.preventDefault();
      event.stopPropagation();
      choose(name, option, option.choices[at][0]);
    });
    return node;
  }

  function items(name, option, now, filter) {
    return choices(name, option).filter(function (choice) {
      return choice[1].toLowerCase().indexOf(filter) >= 0;
    }).slice(0, 200).map(function (choice) {
      return app.menu.item(choice[1], { checked: choice[0] === now }, function () { choose(name, option, choice[0]); });
    });
  }

  function opened(node, name, option, now) {
    var all = choices(name, option), list = app.shell.element("div", { class: "menu-list", role: "menu", "aria-label": option.label }, items(name, option, now, ""));
    if (!all.length) { app.menu.open(node, option.label, [app.menu.note("There is nothing to choose yet.")]); return; }
    var search = app.shell.element("input", { class: "menu-search", type: "search", placeholder: "Find", "aria-label": "Find " + option.label.toLowerCase() });
    search.addEventListener("input", function () { list.replaceChildren.apply(list, items(name, option, now, search.value.toLowerCase())); });
    var alone = app.menu.item("Only in this panel", { checked: isOwn(name, option), many: true }, function () { app.menu.close(); part(name, option); });
    var parting = option.shared ? [app.menu.line(), app.menu.group("For which panels", [alone])] : [];
    app.menu.open(node, option.label, (all.length >= SEARCHED ? [search, list] : [list]).concat(parting));
  }

  function menu(name, option, now) {
    var found = choices(name, option).find(function (choice) { return choice[0] === now; });
    var words = found && (now || option.choices.length) ? found[1] : now || (found ? option.label : ((offers[name] || {})[option.name] || [])[0] || "—");
    var node = app.shell.element("button", { class: "field field-small", type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": option.label + ": " + words }, [
      app.shell.element("span", { class: "field-value" }, words), app.shell.icon("chevron-down"),
    ]);
    node.addEventListener("click", function () { opened(node, name, option, now); });
    return node;
  }

  function draw(name) {
    var slot = document.getElementById("options-" + name);
    if (!slot) return;
    var had = slot.contains(document.activeElement);
    if (isDrawer(name)) uncover(name);
    var drawn = options(name).filter(function (option) { return option.kind !== "hidden"; });
    var focused = document.activeElement;
    if (had && focused.tagName === "INPUT") return; // who types keeps the field, and where the cursor stands in it
    var nodes = drawn.map(function (option) {
      var now = value(name, option), small = option.choices.length && option.choices.length <= FEW;
      if (option.kind === "text") return typed(name, option, now);
      return small ? segmented(name, option, now) : menu(name, option, now);
    });
    slot.replaceChildren.apply(slot, nodes);
    var focus = had && (slot.querySelector('[aria-checked="true"]') || slot.querySelector("button"));
    if (focus) focus.focus();
  }

  document.addEventListener("click", function (event) {
    var node = event.target.closest("[data-choose]");
    if (!node || (event.target !== node && event.target.closest("a, button, input, summary") && !event.target.closest("button[data-choose]"))) return;
    chosenBy(node);
  });
  /** A row of a grid is no element of ours: what it opens is in its data. */
  function chosenInGrid(target) {
    var holder = target.closest && target.closest(".long-grid[data-opens]"), row = holder && target.closest(".ag-row"), grid = holder && holder.querySelector('[id^="grid-"]');
    if (!row || !grid || !window.dash_ag_grid) return;
    // By its place: the grid escapes the identity that it writes. A total has a place of another kind, and opens nothing.
    var node = window.dash_ag_grid.getApi(grid.id).getDisplayedRowAtIndex(Number(row.getAttribute("row-index"))), parts = holder.dataset.opens.split(".");
    var option = options(parts[0]).find(function (each) { return each.name === parts[1]; });
    if (node && node.data.o && option) choose(parts[0], option, node.data.o);
  }
  document.addEventListener("click", function (event) { chosenInGrid(event.target); });
  document.addEventListener("keydown", function (event) { if (event.key === "Enter" && event.target.matches && event.target.matches(".ag-cell")) chosenInGrid(event.target); });

  document.addEventListener("keydown", function (event) {
    var node = event.target;
    if (!node.matches || !node.matches("tr[data-choose]")) return;
    var next = { ArrowDown: node.nextElementSibling, ArrowUp: node.previousElementSibling }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); chosenBy(node); }
    else if (next && next.matches("[data-choose]")) { event.preventDefault(); next.focus(); }
  });

  app.options = {
    /** Close the drawer that lies over the page; tells whether there was one. */
    close: function () {
      var panel = document.querySelector(".panel-drawer:not([hidden])");
      if (!panel) return false;
      var name = panel.dataset.panel;
      choose(name, options(name)[0], "");
      return true;
    },
    /** The panel as the server is asked for it: its name, and what was chosen other than the standard. */
    asked: function (name) {
      var chosen = options(name).filter(function (option) { return value(name, option) !== standard(option); });
      if (!chosen.length) return name;
      return name + "?" + chosen.map(function (option) { return option.name + "=" + encodeURIComponent(value(name, option)); }).join("&");
    },
    draw: draw,
    mark: mark,
    /** What the URL has to say for a page to be about one symbol, or whatever else its panels share. */
    sharedBy: function (names, option, to) {
      var changes = {};
      names.forEach(function (name) {
        if (options(name).some(function (each) { return each.shared && each.name === option; })) { changes[option] = to; changes[name + "." + option] = null; }
      });
      return changes;
    },
    /** The URL changed by itself: back, forward, a link. */
    moved: function () { Object.keys(app.shell.config.panels).forEach(draw); mark(); },
    /** The names that there are to choose from came with the panel's content. */
    offered: function (name, named) {
      if (JSON.stringify(offers[name]) === JSON.stringify(named)) return;
      offers[name] = named;
      draw(name);
    },
  };
})(window.aiTrader);

/* A panel's own choices: shown in its header, kept in the URL as PANEL.OPTION, part of what the server is asked. */
(function (app) {
  "use strict";
  var FEW = 4;       // so many fit side by side; more open as a menu
  var SEARCHED = 12; // from so many on a menu has a field to narrow it
  var offers = {};   // by panel: the names that the data have, by option

  function options(name) { return (app.shell.config.panels[name] || {}).options || []; }
  function standard(option) { return option.choices.length ? option.choices[0][0] : ""; }
  function key(name, option) { return name + "." + option.name; }

  function value(name, option) {
    var given = new URLSearchParams(location.search).get(key(name, option));
    var known = option.choices.some(function (choice) { return choice[0] === given; });
    return given !== null && (known || !option.choices.length) ? given : standard(option);
  }

  function choices(name, option) {
    if (option.choices.length) return option.choices;
    return ((offers[name] || {})[option.name] || []).map(function (each) { return [each, each || "All"]; });
  }

  function choose(name, option, to) {
    var change = {};
    change[key(name, option)] = to === standard(option) ? null : to;
    app.view.set(change, "option");
    draw(name);
    app.panels.subscribe();
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
    var all = choices(name, option), list = app.shell.element("div", { class: "menu-list" }, items(name, option, now, ""));
    if (!all.length) { app.menu.open(node, option.label, [app.menu.note("There is nothing to choose yet.")]); return; }
    var search = app.shell.element("input", { class: "menu-search", type: "search", placeholder: "Find", "aria-label": "Find " + option.label.toLowerCase() });
    search.addEventListener("input", function () { list.replaceChildren.apply(list, items(name, option, now, search.value.toLowerCase())); });
    app.menu.open(node, option.label, all.length >= SEARCHED ? [search, list] : [list]);
  }

  function menu(name, option, now) {
    var found = choices(name, option).find(function (choice) { return choice[0] === now; });
    var words = found ? found[1] : now || ((offers[name] || {})[option.name] || [])[0] || "—";
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
    var nodes = options(name).map(function (option) {
      var now = value(name, option), small = option.choices.length && option.choices.length <= FEW;
      return small ? segmented(name, option, now) : menu(name, option, now);
    });
    slot.replaceChildren.apply(slot, nodes);
    var focus = had && (slot.querySelector('[aria-checked="true"]') || slot.querySelector("button"));
    if (focus) focus.focus();
  }

  app.options = {
    /** The panel as the server is asked for it: its name, and what was chosen other than the standard. */
    asked: function (name) {
      var chosen = options(name).filter(function (option) { return value(name, option) !== standard(option); });
      if (!chosen.length) return name;
      return name + "?" + chosen.map(function (option) { return option.name + "=" + encodeURIComponent(value(name, option)); }).join("&");
    },
    draw: draw,
    /** The names that there are to choose from came with the panel's content. */
    offered: function (name, named) {
      if (JSON.stringify(offers[name]) === JSON.stringify(named)) return;
      offers[name] = named;
      draw(name);
    },
  };
})(window.aiTrader);

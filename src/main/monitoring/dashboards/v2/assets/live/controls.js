/* The controls of the header. Each shows what the view is and changes it; the URL holds the state. */
(function (app) {
  "use strict";
  var element = app.shell.element;
  var MODES = { simulated: ["SIMULATED", "simulated"], replay: ["REPLAY", "simulated"], paper: ["PAPER", "outline"], live: ["LIVE MONEY", "accent"] };
  var shownAway = false;
  var ZONES = ["UTC", "America/New_York", "America/Chicago", "America/Los_Angeles", "Europe/London", "Europe/Berlin",
    "Asia/Kolkata", "Asia/Singapore", "Asia/Hong_Kong", "Asia/Tokyo", "Australia/Sydney"];

  function field(label, value, attributes) {
    return element("button", Object.assign({ class: "field", type: "button", "aria-haspopup": "menu", "aria-expanded": "false" }, attributes), [
      label ? element("span", { class: "field-label" }, label) : null,
      element("span", { class: "field-value" }, value), app.shell.icon("chevron-down"),
    ]);
  }
  function modeChip(mode) {
    var known = MODES[mode];
    return known ? element("span", { class: "chip chip-" + known[1] }, known[0]) : null;
  }
  function fill(name, node) {
    var slot = document.getElementById("control-" + name);
    if (!slot) return;
    var had = slot.contains(document.activeElement);
    slot.replaceChildren.apply(slot, node ? [node] : []);
    if (had && node) (node.matches("button") ? node : node.querySelector('[aria-checked="true"]') || node).focus();
  }

  function accounts() {
    var all = app.view.directory.accounts, shown = app.view.shown, chosen = app.view.accounts;
    if (!all.length) { fill("accounts", null); return; }
    var value = shown.length === 1 ? shown[0].label || shown[0].id : shown.length === all.length ? "All " + all.length : shown.length + " selected";
    var node = field("Account", value, { "aria-label": "Account: " + value });
    node.addEventListener("click", function () {
      var ids = shown.map(function (account) { return account.id; });
      app.menu.open(node, "Accounts", [
        app.menu.item("As the server chooses", { checked: !chosen.length }, function () { app.view.set({ accounts: null }); }),
        app.menu.line(),
      ].concat(all.map(function (account) {
        var on = ids.indexOf(account.id) >= 0;
        var item = app.menu.item(account.label || account.id, { checked: on, many: true, aside: modeChip(account.mode) }, function () {
          var at = ids.indexOf(account.id);
          if (at >= 0) ids.splice(at, 1); else ids.push(account.id);
          item.setAttribute("aria-checked", String(at < 0));
          // The last one cannot be taken away: a page about no account would be empty.
          if (ids.length) app.view.set({ accounts: ids.slice().sort().join(",") });
        });
        return item;
      })).concat(app.view.effective.note ? [app.menu.note(app.view.effective.note)] : []));
    });
    fill("accounts", node);
  }

  function strategy() {
    var known = app.view.strategies, now = app.view.strategy;
    if (!known.length && !now) { fill("strategy", null); return; }
    var node = field("Strategy", now || "All strategies", { "aria-label": "Strategy: " + (now || "all") });
    node.addEventListener("click", function () {
      // One that is asked about stays a choice, also where no account on the page ran it.
      var all = now && known.indexOf(now) < 0 ? known.concat(now) : known;
      app.menu.open(node, "Strategy", [null].concat(all).map(function (name) {
        return app.menu.item(name || "All strategies", { checked: (now || null) === name }, function () { app.view.set({ strategy: name }); });
      }));
    });
    fill("strategy", node);
  }

  function range() { fill("window", app.range.control()); }

  function moment() {
    var past = app.view.asOf, zone = app.view.zone;
    var lost = app.socket.lostFor() > 0, away = lost || app.panels.troubled();
    shownAway = away;
    var children = past
      ? [app.shell.icon("history"), element("span", { class: "field-value" }, app.writing.moment(Date.parse(past), app.moment.present(), zone))]
      : [element("span", { class: "live-dot" + (away ? " live-dot-lost" : ""), "aria-hidden": "true" }),
        element("span", { class: "field-value" }, lost ? "Not connected" : away ? "Not live" : app.view.replayed ? "Replay" : "Live"),
        element("span", { class: "clock-time", id: "clock", "aria-live": "off" }, app.writing.clock(clockTime(), zone))];
    var node = element("button", {
      class: "field" + (past ? " field-past" : ""), type: "button", "aria-haspopup": "dialog", "aria-expanded": "false",
      "aria-label": past ? "Looking at the past: " + app.writing.full(Date.parse(past), zone) : (away ? "Not live" : app.view.replayed ? "Replay" : "Live") + ". Choose a past moment",
    }, children.concat([app.shell.icon("chevron-down")]));
    node.addEventListener("click", function () { app.menu.open(node, "Moment", app.moment.menu()); });
    fill("moment", node);
  }

  function clockTime() {
    var moment = Date.parse(app.view.effective.moment);
    return app.view.replayed && !isNaN(moment) ? moment : app.shell.now();
  }

  function zone() {
    var now = app.view.zone, own = app.view.ownZone;
    var node = field("Zone", app.writing.zoneName(now), { "aria-label": "Time zone: " + now });
    node.addEventListener("click", function () {
      var accounts = app.view.shown.map(function (account) { return account.zone; });
      var all = [own].concat(accounts, ZONES, [now]).filter(function (name, at, list) { return name && list.indexOf(name) === at; });
      app.menu.open(node, "Time zone", all.map(function (name) {
        var words = app.writing.zoneName(name) + (name === own ? " (this browser)" : "");
        return app.menu.item(words, { checked: name === now }, function () { app.view.set({ zone: name === own ? null : name }, "zone"); });
      }));
    });
    fill("zone", node);
  }

  function theme() {
    var dark = app.theme.current === "dark";
    fill("theme", element("button", {
      class: "icon-button", type: "button", title: dark ? "Light theme (t)" : "Dark theme (t)", "aria-label": dark ? "Use the light theme" : "Use the dark theme",
      onclick: app.controls.theme,
    }, app.shell.icon(dark ? "moon" : "sun")));
  }

  function search() {
    fill("search", element("button", { class: "icon-button", type: "button", title: "Search (/ or Ctrl K)", "aria-label": "Search: go to or do", "aria-keyshortcuts": "/ Control+K", onclick: app.palette.open }, app.shell.icon("search")));
  }

  function help() {
    fill("help", element("button", { class: "icon-button", type: "button", title: "Shortcuts (?)", "aria-label": "Keyboard shortcuts", onclick: function () { app.keyboard.help(); } }, app.shell.icon("help")));
  }

  app.controls = {
    modeChip: modeChip,
    MODES: MODES,
    clockTime: clockTime,
    draw: function () { accounts(); strategy(); range(); moment(); zone(); search(); theme(); help(); },
    tick: function () {
      app.moment.tick();
      var clock = document.getElementById("clock");
      if (clock) clock.textContent = app.writing.clock(clockTime(), app.view.zone);
      if (shownAway !== (app.socket.lostFor() > 0 || app.panels.troubled())) moment();
    },
    moment: moment,
    theme: function () {
      var next = app.theme.current === "dark" ? "light" : "dark";
      app.theme.set(next, true);
      if (new URLSearchParams(location.search).has("theme")) app.view.set({ theme: next }, "theme");
    },
    range: function (name) { app.view.set({ range: name === app.view.usualWindow ? null : name }); },
    stepRange: function (step) {
      var windows = app.shell.config.windows, at = windows.indexOf(app.view.window);
      var next = windows[Math.max(0, Math.min(windows.length - 1, (at < 0 ? 0 : at) + step))];
      if (next !== app.view.window) { app.controls.range(next); app.shell.announce("Range " + next); }
    },
  };
  app.theme.onChange(theme);
})(window.aiTrader);

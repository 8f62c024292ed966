/* The moment looked at: live, a past one, or a past one as it was shown then; and the time line to move along. */
(function (app) {
  "use strict";
  var SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  var LENGTHS = { "15m": 15 * MINUTE, "1h": HOUR, "6h": 6 * HOUR, "1D": DAY, "1W": 7 * DAY, "1M": 30 * DAY, "3M": 91 * DAY, "1Y": 365 * DAY };
  var STEPS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400].map(function (each) { return each * SECOND; });
  var MOST = 300;   // places on the time line: finer than the finger
  var PAUSE = 250;  // who still moves is not answered yet
  var proposed;     // undefined: nobody moves; null: to live; else milliseconds
  var timer = 0, newest = 0, asShownThen = false;

  function element() { return app.shell.element.apply(null, arguments); }
  function past() { var at = Date.parse(app.view.asOf || ""); return isNaN(at) ? null : at; }
  function then() { return app.view.asOf ? app.view.knownAt !== null : asShownThen; }

  /** The present of what is shown: of a replay its own newest moment, also while its past is looked at. */
  function present() { return app.view.replayed ? Math.max(newest, app.controls.clockTime()) : app.shell.now(); }

  /** Where the time line begins, how it is divided, and how many steps it has; the last place is live. */
  function line() {
    var end = present(), name = app.view.window, start = end - (LENGTHS[name] || LENGTHS["1Y"]), ends = name.split("..");
    if (name === "YTD") start = Date.UTC(new Date(end).getUTCFullYear(), 0, 1);
    if (ends.length === 2 && !isNaN(Date.parse(ends[0]))) start = Date.parse(ends[0]);
    var at = past();
    if (at !== null && at < start) start = at;
    var step = STEPS.find(function (each) { return (end - start) / each <= MOST; }) || STEPS[STEPS.length - 1];
    var first = Math.floor(start / step) * step;
    return { first: first, step: step, count: Math.max(1, Math.ceil((end - first) / step)) };
  }

  function look(at) {
    if (at === null) { app.view.set({ as_of: null, known_at: null }); return; }
    var iso = new Date(at).toISOString();
    app.view.set({ as_of: iso, known_at: then() ? iso : null }, "scope", Boolean(app.view.asOf));
  }

  function written(at) { return at === null ? "live" : app.writing.full(at, app.view.zone); }

  /** Say where one would go, and go there once the hand rests. */
  function propose(at) {
    proposed = at;
    if (document.getElementById("strip-past-words")) words();
    clearTimeout(timer);
    timer = setTimeout(function () { var to = proposed; proposed = undefined; look(to); }, PAUSE);
  }

  function slider(id) {
    var along = line(), at = past();
    var place = at === null ? along.count : Math.min(along.count - 1, Math.round((at - along.first) / along.step));
    var said = element("output", { class: "time-line-said", "aria-hidden": "true" }, written(at));
    var input = element("input", {
      class: "time-line", type: "range", id: id, min: "0", max: String(along.count), step: "1", value: String(place),
      "aria-label": "Moment", "aria-valuetext": written(at),
    });
    input.addEventListener("input", function () {
      var to = Number(input.value) >= along.count ? null : along.first + Number(input.value) * along.step;
      said.textContent = written(to);
      input.setAttribute("aria-valuetext", written(to));
      propose(to);
    });
    return element("span", { class: "time-line-slot", "data-line": along.first + " " + along.step }, [input, said]);
  }

  function words() {
    var at = proposed === undefined ? past() : proposed, known = app.view.knownAt, line = document.getElementById("strip-past-words");
    var text = at === null ? "on the way back to live" : "as of " + written(at) + " " + app.writing.zoneName(app.view.zone);
    if (known && known === app.view.asOf) text += " · as it was shown then, without what was learned later";
    else if (known) text += " · with what was known at " + written(Date.parse(known));
    else text += " · with what is known now";
    text += " · nothing on this page is live";
    if (line.textContent !== text) line.textContent = text;
  }

  /** The strip stays while one moves along it: only its words change, or the slider under the hand would be gone. */
  function strip() {
    var holder = document.getElementById("strips"), node = document.getElementById("strip-past");
    if (!holder) return;
    if (past() === null) { if (node) node.remove(); return; }
    if (!node) {
      node = element("div", { id: "strip-past", class: "strip strip-info strip-past", role: "status" }, [
        app.shell.icon("history"), element("b", {}, "Looking at the past"), element("span", { id: "strip-past-words" }),
        element("span", { id: "strip-past-line" }),
        element("button", { class: "button button-primary", type: "button", onclick: app.moment.live }, "Back to live"),
      ]);
      holder.prepend(node);
    }
    words();
    var slot = document.getElementById("strip-past-line"), moving = document.activeElement && document.activeElement.id === "strip-past-slider";
    if (!moving) slot.replaceChildren(slider("strip-past-slider"));
  }

  function menu() {
    var zone = app.view.zone, at = past();
    var input = element("input", { type: "datetime-local", step: "1", value: app.writing.field(at === null ? present() : at, zone), "aria-label": "Moment, date and time" });
    var form = element("form", { class: "menu-form" }, [
      element("label", {}, ["A past moment, " + app.writing.zoneName(zone) + " time", input]),
      element("button", { class: "button button-primary", type: "submit" }, "Look at this moment"),
    ]);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var to = app.writing.unfield(input.value, zone);
      if (to === null) { input.focus(); return; }
      app.menu.close();
      look(to);
    });
    var choices = [app.menu.item("Live", { checked: at === null }, app.moment.live)].concat(
      [["1 hour ago", HOUR], ["1 day ago", DAY], ["1 week ago", 7 * DAY]].map(function (each) {
        return app.menu.item(each[0], { icon: "history" }, function () { look(present() - each[1]); });
      }));
    var shown = app.menu.item("As it was shown then", { checked: then(), many: true }, function (node) {
      asShownThen = !then();
      node.setAttribute("aria-checked", String(asShownThen));
      if (app.view.asOf) app.view.set({ known_at: asShownThen ? app.view.asOf : null });
    });
    return [
      app.menu.group("Moment", choices), app.menu.line(),
      element("div", { class: "menu-form" }, [element("span", { class: "menu-caption" }, "Along the range shown"), slider("menu-slider")]),
      app.menu.line(), form, app.menu.line(),
      app.menu.group("Knowledge", [shown]),
      app.menu.note("Only what was known at that moment: without later corrections."),
    ];
  }

  app.moment = {
    present: present,
    look: look,
    menu: menu,
    strip: strip,
    live: function () { clearTimeout(timer); proposed = undefined; if (app.view.asOf) look(null); },
    /** One step back or forth; the step after the newest is live again. */
    step: function (direction) {
      var along = line(), at = proposed !== undefined ? proposed : past();
      if (at === null && direction > 0) return;
      if (at === null) at = along.first + along.count * along.step;
      var to = at + direction * along.step;
      propose(to >= present() ? null : to);
      app.shell.announce(written(proposed));
    },
    /** A replay goes on while its past is looked at: what was its newest moment is remembered. */
    tick: function () { if (app.view.replayed && !app.view.asOf) newest = Math.max(newest, app.controls.clockTime()); },
  };
})(window.aiTrader);

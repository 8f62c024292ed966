/* How old each panel is: the badge in its header, the grey of old data, the line below that says what is wrong. */
(function (app) {
  "use strict";
  var WORDS = {
    live: "Live", late: "Late", stale: "Stale", closed: "Market closed", past: "As of", silent: "Bot silent",
    unreachable: "Database unreachable", error: "Error",
  };
  var MARKS = { closed: "moon", past: "history", silent: "bot", unreachable: "unplug", error: "x" };
  var DOTS = { live: "ok", late: "degraded", stale: "late" };

  /** The state now: the browser moves an answer from live to late to stale, the server says the rest: only who can ask
   * the database knows that a bot is silent, and not that the database is. */
  function stateOf(fresh, now) {
    if (["live", "late", "stale"].indexOf(fresh.state) < 0) return fresh.state;
    var age = ageOf(fresh, now) / 1000;
    return age <= fresh.expected_seconds ? "live" : age <= 3 * fresh.expected_seconds ? "late" : "stale";
  }

  function ageOf(fresh, now) {
    if (!fresh.as_of) return 0;
    // A replayed account lives in its own time: what matters is how far its data was behind that.
    return (fresh.clock === "replay" ? Date.parse(fresh.moment) : now) - Date.parse(fresh.as_of);
  }

  function mark(state) {
    if (MARKS[state]) return app.shell.icon(MARKS[state]);
    return app.shell.element("span", { class: "dot dot-" + DOTS[state], "aria-hidden": "true" });
  }

  function badge(fresh, state, now, said) {
    var time = fresh.as_of ? app.writing.moment(Date.parse(fresh.as_of), now, app.view.zone) : "";
    var age = fresh.as_of && state !== "past" ? app.writing.duration(ageOf(fresh, now)) : "";
    var word = state === "live" && fresh.clock === "replay" ? "Replay" : WORDS[state];
    var words = word + (time ? " " + time : "") + (age ? ", " + age + " old" : "");
    var children = [mark(state), app.shell.element("b", {}, word)];
    if (time) children.push(app.shell.element("span", { class: "badge-time" }, time));
    if (age) children.push(app.shell.element("span", { class: "badge-age" }, "· " + age));
    var full = fresh.as_of ? app.writing.full(Date.parse(fresh.as_of), app.view.zone) : "";
    return app.shell.element("span", { class: "badge badge-" + state, "aria-label": words, role: "img", title: said ? said[1] : full }, children);
  }

  function footer(fresh, state, now) {
    var began = fresh.since || (state === "silent" ? fresh.as_of : null);
    var since = began ? " since " + app.writing.moment(Date.parse(began), now, app.view.zone) : "";
    if (state === "silent") return ["bot", (fresh.detail || "The bot sends nothing") + since + ". Values are its last."];
    var last = fresh.as_of ? " Values are the last good ones." : "";
    if (state === "unreachable") return ["unplug", "Database unreachable" + since + "." + last + " It is tried again by itself."];
    if (state === "error") return ["triangle-alert", (fresh.detail || "The last attempt failed") + since + "." + last];
    return null;
  }

  app.freshness = {
    stateOf: stateOf,
    /** Show how fresh a panel is now. Returns its state. */
    show: function (name, fresh, broken) {
      var section = document.getElementById("panel-" + name), slot = document.getElementById("badge-" + name);
      if (!section || !slot || !fresh) return null;
      var now = app.shell.now(), state = broken ? "error" : stateOf(fresh, now);
      var said = broken ? null : footer(fresh, state, now);
      var next = badge(fresh, state, now, said);
      if (!slot.firstChild || slot.firstChild.getAttribute("aria-label") !== next.getAttribute("aria-label")) slot.replaceChildren(next);
      if (section.dataset.state !== state) section.dataset.state = state;
      var line = document.getElementById("footer-" + name), body = document.getElementById("body-" + name);
      if (line) {
        line.hidden = !said || !body.style.height; // a body as high as its content has no room for it: its badge says it
        if (said && line.dataset.said !== said[1]) {
          line.dataset.said = said[1];
          line.title = fresh.detail || "";
          line.replaceChildren(app.shell.icon(said[0]), app.shell.element("span", {}, said[1]));
        }
      }
      return state;
    },
    loading: function (name) {
      var slot = document.getElementById("badge-" + name);
      if (slot && !slot.firstChild) slot.replaceChildren(app.shell.element("span", { class: "badge badge-loading" }));
    },
  };
})(window.aiTrader);

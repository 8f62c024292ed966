/* The range: by name, or from one day to another in the zone shown. */
(function (app) {
  "use strict";
  var DAY = 86400000;

  /** The ends of a custom range in milliseconds, or null. */
  function ends(name) {
    var parts = String(name).split(".."), from = Date.parse(parts[0]), to = Date.parse(parts[1]);
    return parts.length === 2 && !isNaN(from) && !isNaN(to) ? [from, to] : null;
  }

  function words(name) {
    var both = ends(name), zone = app.view.zone;
    if (!both) return name;
    function day(at) { return app.writing.date(at, zone).slice(4, -5); }
    return day(both[0]) + " – " + app.writing.date(both[1] - 1, zone).slice(4);
  }

  function day(at) { return app.writing.field(at, app.view.zone).slice(0, 10); }
  function iso(at) { return new Date(at).toISOString().replace(".000Z", "Z"); }

  /** From the first moment of one day to the last of another, both on the viewer's clock. */
  function written(from, to) {
    var start = app.writing.unfield(from + "T00:00:00", app.view.zone);
    var next = new Date(Date.parse(to + "T00:00:00Z") + DAY).toISOString().slice(0, 10);
    var end = app.writing.unfield(next + "T00:00:00", app.view.zone);
    return start === null || end === null || !(start < end) ? null : iso(start) + ".." + iso(end);
  }

  function field(label, value) {
    var input = app.shell.element("input", { type: "date", value: value, max: day(app.moment.present()), required: true, "aria-label": label });
    return { node: app.shell.element("label", {}, [label, input]), input: input };
  }

  function custom(opener) {
    var both = ends(app.view.window), now = app.moment.present();
    var from = field("From", day(both ? both[0] : now - 7 * DAY)), to = field("To", day(both ? both[1] - 1 : now));
    var wrong = app.shell.element("span", { class: "menu-wrong", role: "alert" });
    var form = app.shell.element("form", { class: "menu-form", novalidate: true }, [
      from.node, to.node, wrong, app.shell.element("button", { class: "button button-primary", type: "submit" }, "Show"),
    ]);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      if (!from.input.value || !to.input.value) { wrong.textContent = "Both days are needed."; return; }
      var name = written(from.input.value, to.input.value);
      if (!name) { wrong.textContent = "The first day comes after the last."; from.input.focus(); return; }
      app.menu.close();
      app.controls.range(name);
    });
    app.menu.open(opener, "Custom range", [form, app.menu.note("Whole days, " + app.writing.zoneName(app.view.zone) + " time.")]);
  }

  function choice(name, on, text, act) {
    return app.shell.element("button", { type: "button", role: "radio", "aria-checked": String(on), tabindex: on ? "0" : "-1", onclick: act }, text);
  }

  app.range = {
    words: words,
    /** A text of the server's with the range it names as the viewer reads it. */
    named: function (text) {
      var name = app.view.window;
      return ends(name) && text.indexOf(name) >= 0 ? text.split(name).join(words(name)) : text;
    },
    /** The control of the header. */
    control: function () {
      var now = app.view.window, windows = app.shell.config.windows, named = windows.indexOf(now) >= 0;
      var node = app.shell.element("div", { class: "segmented", role: "radiogroup", "aria-label": "Range" }, windows.map(function (name) {
        return choice(name, name === now, name, function () { app.controls.range(name); });
      }).concat([choice("custom", !named, named ? "Custom" : words(now), function (event) { custom(event.currentTarget); })]));
      node.addEventListener("keydown", function (event) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], all = Array.prototype.slice.call(node.children), at = all.indexOf(document.activeElement);
        if (!step || at < 0) return;
        event.preventDefault();
        event.stopPropagation();
        // Onto "Custom" only the focus goes: it opens when it is pressed.
        if (at + step === windows.length) all[windows.length].focus();
        else if (windows[at + step]) { app.controls.range(windows[at + step]); app.shell.announce("Range " + windows[at + step]); }
      });
      return node;
    },
  };
})(window.aiTrader);

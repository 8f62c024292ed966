/* The panels of the page shown: which are asked for, and how their newest content reaches Dash, once per frame. */
(function (app) {
  "use strict";
  var OLD = { stale: true, silent: true, unreachable: true };
  var known = {};      // by name: { version, freshness, figure, children, subtitle, mode, state }
  var dirty = {};
  var near = {};       // names of panels in or near the viewport
  var page = [];       // names on the page shown
  var frame = 0;
  var observer = null;

  function schedule() { if (!frame) frame = requestAnimationFrame(draw); }

  function draw() {
    frame = 0;
    var names = Object.keys(dirty);
    dirty = {};
    names.forEach(function (name) {
      try { render(name, known[name]); } catch (error) { console.error("panel " + name, error); }
    });
  }

  function label(name, record) {
    var title = app.shell.config.panels[name].title, data = (record.figure || {}).data || [];
    var lines = data.filter(function (trace) { return trace.name && trace.text && trace.text.length; }).map(function (trace) {
      return trace.name + " " + trace.text[trace.text.length - 1];
    });
    return title + (lines.length ? ": " + lines.join(", ") : "");
  }

  /** The body has one of three shapes; only a change of shape replaces it, else the parts are updated in place. */
  function render(name, record) {
    if (!record || !document.getElementById("body-" + name)) return;
    record.state = app.freshness.show(name, record.freshness, record.broken);
    if (record.subtitle !== undefined) app.shell.setProps("subtitle-" + name, { children: record.subtitle });
    var graph = "graph-" + name, heading = "heading-" + name;
    var children = record.children === undefined ? undefined : app.content.translated(record.children);
    if (!record.figure) {
      if (children !== undefined) app.shell.setProps("body-" + name, { children: children });
      record.mode = "children";
    } else {
      var until = OLD[record.state] && record.freshness.state !== "past" ? app.shell.now() : null;
      var figure = app.figures.dressed(record.figure, graph, until);
      var mode = children === undefined ? "figure" : "both";
      if (record.mode === mode && document.getElementById(graph)) {
        app.shell.setProps(graph, { figure: figure });
        if (mode === "both") app.shell.setProps(heading, { children: children });
      } else {
        var chart = app.content.graph(graph, figure, label(name, record));
        app.shell.setProps("body-" + name, { children: mode === "both" ? [app.content.heading(heading, children), chart] : chart });
      }
      record.mode = mode;
    }
    gap(name, record);
  }

  function gap(name, record) {
    if (!record.figure) return;
    requestAnimationFrame(function () { app.figures.gap("graph-" + name, Boolean(OLD[record.state])); });
  }

  /** Show the age; a chart that turns old (or young again) is drawn with (or without) what is missing at its end. */
  function aged(name, record) {
    var before = Boolean(OLD[record.state]);
    record.state = app.freshness.show(name, record.freshness, record.broken);
    if (before !== Boolean(OLD[record.state]) && record.figure) { dirty[name] = true; schedule(); }
  }

  function wanted() {
    if (document.hidden) return [];
    return page.filter(function (name) { return near[name]; });
  }

  function subscribe() { app.socket.subscribe(app.view.asked(), wanted()); }

  function watch() {
    if (observer) observer.disconnect();
    observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) { near[entry.target.dataset.panel] = entry.isIntersecting; });
      subscribe();
    }, { rootMargin: "400px 0px" });
    page.forEach(function (name) {
      var section = document.getElementById("panel-" + name);
      if (section) observer.observe(section);
    });
  }

  app.panels = {
    /** Another page is shown: these are its panels. */
    shown: function (names) {
      page = names;
      near = {};
      names.forEach(function (name) {
        if (known[name]) { known[name].mode = null; dirty[name] = true; } else app.freshness.loading(name);
      });
      schedule();
      watch();
      if (!names.length) subscribe();
    },
    /** The view changed: what was known belongs to another one, but stays until the new one comes. */
    subscribe: subscribe,
    received: function (message) {
      Object.keys(message.panels).forEach(function (name) {
        var news = message.panels[name], record = known[name] || (known[name] = {});
        record.version = news.version;
        record.freshness = news.freshness;
        app.view.heard(news.freshness);
        if ("figure" in news || "children" in news) {
          record.figure = news.figure;
          record.broken = news.broken;
          record.children = news.children;
          if ("subtitle" in news) record.subtitle = news.subtitle;
          dirty[name] = true;
        } else {
          aged(name, record);
        }
      });
      schedule();
    },
    /** Theme or zone changed: draw everything again from what the server sent. */
    redraw: function () {
      Object.keys(known).forEach(function (name) { dirty[name] = true; });
      schedule();
    },
    tick: function () {
      page.forEach(function (name) {
        var record = known[name];
        if (!record || !record.freshness) return;
        aged(name, record);
      });
    },
    /** Whether nothing on the page is live: then the page may not say that it is. */
    troubled: function () {
      var states = page.map(function (name) { return known[name] && known[name].state; }).filter(Boolean);
      return states.length > 0 && states.every(function (state) { return ["live", "late", "closed"].indexOf(state) < 0; });
    },
    record: function (name) { return known[name]; },
  };

  document.addEventListener("visibilitychange", function () { subscribe(); if (!document.hidden) app.panels.tick(); });
})(window.aiTrader);

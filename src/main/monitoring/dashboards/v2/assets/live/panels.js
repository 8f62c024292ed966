/* The panels of the page shown: which are asked for, and how their newest content reaches the page, once per frame. */
(function (app) {
  "use strict";
  var OLD = { stale: true, silent: true, unreachable: true };
  var known = {};      // by name: { version, content, freshness, figure, whole, children, subtitle, drawn, state }
  var dirty = {};
  var waiting = {};    // names of charts that Plotly has not come for yet
  var near = {};       // names of panels in or near the viewport
  var page = [];       // names on the page shown; the server knows each with what was chosen of its options
  var frame = 0;
  var observer = null;
  var LEAST = 72; // pixels that content without a height of its own has
  var PATIENCE = 1500; // milliseconds for which content of the view before stays on the screen
  var held = "";       // the panel in whose chart the pointer is down: a figure set meanwhile would end the viewer's drag
  var SETTLED = 100;   // milliseconds after which Plotly has made a zoom of what was dragged
  var view = 0, turned = 0, shown = ""; // which view is shown, since when, and of what

  function schedule() { if (!frame) frame = requestAnimationFrame(draw); }

  function draw() {
    frame = 0;
    var names = Object.keys(dirty);
    dirty = {};
    names.forEach(function (name) {
      if (name === held) { dirty[name] = true; return; } // drawn when it is let go
      try { render(name, known[name]); } catch (error) { console.error("panel " + name, error); }
    });
    app.options.mark();
    app.steady.tables(); // last: it measures
  }

  window.addEventListener("pointerdown", function (event) {
    var plot = event.target.closest && event.target.closest(".js-plotly-plot");
    held = plot ? plot.closest("[data-panel]").dataset.panel : "";
  }, true);
  ["pointerup", "pointercancel", "blur"].forEach(function (kind) {
    window.addEventListener(kind, function () { setTimeout(function () { held = ""; schedule(); }, SETTLED); }, true);
  });

  function label(name, record) {
    var title = app.shell.config.panels[name].title, data = (record.figure || {}).data || [];
    var lines = data.filter(function (trace) { return trace.name && trace.text && trace.text.length; }).map(function (trace) {
      return trace.name + " " + trace.text[trace.text.length - 1];
    });
    return title + (lines.length ? ": " + lines.join(", ") : "");
  }

  /** Plain content is written straight into the body, above what Dash draws: charts, and what has callbacks. */
  function render(name, record) {
    if (!record || !document.getElementById("body-" + name)) return;
    record.state = app.freshness.show(name, record.freshness, record.broken);
    if (record.subtitle !== undefined) subtitled(name, record.subtitle);
    var children = record.children === undefined ? null : app.content.translated(record.children);
    var isPlain = app.write.plain(children);
    if (!isPlain && !app.grid.ready(children, function () { dirty[name] = true; schedule(); })) return;
    app.write.fill(document.getElementById("content-" + name), isPlain ? children : null);
    if (record.figure) app.turns.take(name, function () { chart(name, known[name]); }, record.waitedFor || record.drawn !== "chart");
    else if (!isPlain) { if (!told(record, children)) app.shell.setProps("drawn-" + name, { children: children }); record.drawn = "content"; }
    else if (record.drawn !== "nothing") { app.shell.setProps("drawn-" + name, { children: null }); record.drawn = "nothing"; }
    document.getElementById("body-" + name).dataset.drawn = record.drawn || "";
  }

  /** A grid that is there is told what changed of it: made anew, it would lose its place, its sorting and its selection. */
  function told(record, children) {
    var grid = children && children.props && children.props.children, props = (grid && grid.props) || {};
    if (!grid || grid.namespace !== "dash_ag_grid") { record.grid = null; return false; }
    var before = record.drawn === "content" && document.getElementById(props.id) ? record.grid : null, now = {}, changed = {};
    Object.keys(props).forEach(function (key) {
      now[key] = JSON.stringify(props[key]);
      if (!before || before[key] !== now[key]) changed[key] = props[key];
    });
    record.grid = now;
    if (before && changed.rowData && app.grid.moved(props.id, record.gridRows, changed.rowData)) delete changed.rowData;
    else if (!before || changed.rowData) record.gridRows = props.rowData;
    if (before && Object.keys(changed).length) app.shell.setProps(props.id, changed);
    return Boolean(before);
  }

  /** By hand where that is enough, else by Plotly: `whole` is the figure that it drew last. */
  function chart(name, record) {
    if (!record || !record.figure || !document.getElementById("body-" + name)) return;
    if (name === held) { dirty[name] = true; return; } // drawn when it is let go
    if (!app.figures.drawable) { waiting[name] = true; return; }
    var graph = "graph-" + name, until = OLD[record.state] && record.freshness.state !== "past" ? app.shell.now() : null;
    var shown = app.zoom.refined(name, record.figure, record.view), figure = app.figures.dressed(shown, graph, until);
    var step = record.whole && !record.waitedFor && { from: record.whole, to: shown, catchUp: function () { record.whole = null; chart(name, record); } };
    var isThere = record.drawn === "chart" && document.getElementById(graph);
    if (!(isThere && step && app.figures.stroked(record.given, figure, graph, step))) {
      var isGrown = isThere && app.figures.grown(record.given, figure, graph);
      if (!isThere) app.shell.setProps("drawn-" + name, { children: app.content.graph(graph, figure, label(name, record)) });
      else if (!isGrown) app.shell.setProps(graph, { figure: figure });
      if (!isGrown) record.given = figure;
      record.whole = shown;
    }
    record.drawn = document.getElementById("body-" + name).dataset.drawn = "chart";
    document.getElementById("body-" + name).style.setProperty("--axis-room", ((figure.layout.margin || {}).r || 0) + "px");
    record.waitedFor = false;
    gap(name, record);
  }

  function subtitled(name, text) {
    var words = app.range.named(text), line = document.getElementById("subtitle-" + name);
    // React wrote this text first and never again: its node may say something else.
    if (line && line.textContent !== words) { if (line.firstChild) line.firstChild.nodeValue = words; else line.textContent = words; line.title = words; }
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

  function filled(name, record, content) {
    record.content = content;
    record.rows = content.rows;
    record.figure = content.figure;
    record.broken = content.broken;
    record.children = content.children;
    if ("subtitle" in content) record.subtitle = content.subtitle;
    if ("offers" in content) app.options.offered(name, content.offers);
    dirty[name] = true;
  }

  function skeletonOf(node, name) {
    if (Array.isArray(node)) return node.reduce(function (found, child) { return found || skeletonOf(child, name); }, null);
    if (!node || !node.props) return null;
    return node.props.id === "drawn-" + name ? node.props.children : skeletonOf(node.props.children, name);
  }

  /** Content of the view before is not shown as this one's: figures of another account, or that there is none yet. */
  function lapse() {
    page.concat(app.shell.config.badges).forEach(function (name) {
      var section = document.getElementById("panel-" + name), content = document.getElementById("content-" + name), badge = document.getElementById("badge-" + name);
      if (!known[name] || known[name].view === view) return;
      delete known[name];
      if (content) app.write.fill(content, null);
      if (section) section.dataset.state = "loading";
      app.shell.setProps("drawn-" + name, { children: skeletonOf((app.router.current || {}).layout, name) });
      if (badge) { badge.replaceChildren(); app.freshness.loading(name); }
    });
  }

  /** What stands in the navigation is looked at from every page. */
  function withBadges(names) { return names.concat(app.shell.config.badges).map(app.options.asked); }

  function wanted() {
    var names = document.hidden ? [] : page.filter(function (name) { return near[name]; });
    return document.hidden ? [] : withBadges(names).concat(names.map(app.zoom.asked).filter(Boolean));
  }

  function subscribe() { app.socket.subscribe(app.view.asked(), wanted()); }

  function watch() {
    if (observer) observer.disconnect();
    observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) { near[entry.target.dataset.panel] = entry.isIntersecting; });
      subscribe();
    }, { rootMargin: "400px 0px" });
    var sections = page.map(function (name) { return document.getElementById("panel-" + name); });
    app.turns.watch(sections.filter(Boolean));
    page.forEach(function (name, at) {
      var section = sections[at];
      // A strip without alerts is not on the screen, and must hear of the first one all the same.
      if (section && section.dataset.kind === "strip") near[name] = true;
      else if (section) observer.observe(section);
    });
  }

  /** Those of a page's panels that its first screen may show. What lies further down is asked for when it comes near. */
  function first(names) {
    var wide = innerWidth >= 768, top = 100, used = 12, row = 0;
    return names.filter(function (name) {
      var panel = app.shell.config.panels[name], width = wide && panel ? panel.width : 12;
      if (!panel) return true; // of a composed page that is still on its way
      if (panel.kind === "strip" || location.hash === "#panel-" + name) return true;
      if (panel.kind === "drawer") return app.options.asked(name) !== name;
      if (used + width > 12) { top += row; used = 0; row = 0; }
      used += width;
      row = Math.max(row, (panel.height || LEAST) + 52);
      return top < innerHeight;
    });
  }

  app.figures.onDrawable(function () { Object.keys(waiting).forEach(function (name) { dirty[name] = true; }); waiting = {}; schedule(); });

  app.panels = {
    /** Ask for a page before it is on the screen: its first data come while Dash still draws the shell. */
    foreseen: function (names) { if (!document.hidden) app.socket.subscribe(app.view.asked(), withBadges(first(names))); },
    /** Another page is shown: these are its panels. */
    shown: function (names) {
      page = names;
      near = {};
      app.zoom.forget();
      names.forEach(app.options.draw);
      names.forEach(function (name) {
        if (known[name]) { known[name].drawn = null; dirty[name] = true; } else app.freshness.loading(name);
      });
      schedule();
      watch();
      if (!names.length) subscribe();
    },
    /** Say to the server what is looked at now, of which view. */
    subscribe: subscribe,
    received: function (message) {
      var missed = false;
      Object.keys(message.panels).forEach(function (asked) {
        var name = asked.split("?")[0], news = message.panels[asked], record = known[name] || (known[name] = {});
        if (asked === app.zoom.asked(name)) { if (app.zoom.received(name, news, view)) dirty[name] = true; else missed = true; return; }
        if (asked !== app.options.asked(name)) return; // on its way when the viewer chose something else
        var content = app.tails.content(record, news);
        if (content === undefined) { missed = true; return; }
        if (record.view !== view || record.asked !== asked) record.waitedFor = true;
        record.version = news.version;
        record.view = view;
        record.asked = asked;
        record.freshness = news.freshness;
        app.view.heard(news.freshness);
        if (content) filled(name, record, content);
        else aged(name, record);
      });
      if (missed) app.socket.again(); // everything whole
      schedule();
    },
    /** What this viewer may not see says so in its place; the others are not kept away by it. */
    refused: function (message) {
      Object.keys(message.panels).forEach(function (asked) {
        var name = asked.split("?")[0], slot = document.getElementById("badge-" + name);
        known[name] = { children: app.content.notice("shield-alert", "Not for you to see", message.panels[asked]), version: 0, view: view };
        if (slot) slot.replaceChildren();
        dirty[name] = true;
      });
      schedule();
    },
    /** Theme or zone changed: draw everything again from what the server sent. */
    redraw: function () {
      Object.keys(known).forEach(function (name) { dirty[name] = known[name].waitedFor = true; });
      schedule();
    },
    /**
     * The server shows another view from now on; nothing was shown of it yet. What was known belongs to the one before,
     * but stays until the new one comes, or too long. `first`: before there was no account.
     */
    turned: function (accounts, first) {
      var now = JSON.stringify([accounts, app.view.asked()]);
      if (now === shown) return; // the same once more, after the connection was lost
      shown = now;
      view++;
      turned = performance.now();
      if (first) lapse();
    },
    tick: function () {
      if (turned && performance.now() - turned > PATIENCE) { turned = 0; lapse(); }
      page.forEach(function (name) {
        var record = known[name];
        if (!record || !record.freshness) return;
        aged(name, record);
      });
    },
    /**
     * Whether the page may not say that it is live: nothing on it is, or the database cannot be reached, whatever the
     * dashboard's own process still knows. What is out of sight is not told of, and says nothing.
     */
    troubled: function () {
      var told = page.filter(function (name) { return near[name]; });
      var states = (told.length ? told : page).map(function (name) { return known[name] && known[name].state; }).filter(Boolean);
      return states.indexOf("unreachable") >= 0 || (states.length > 0 && states.every(function (state) { return ["live", "late", "closed"].indexOf(state) < 0; }));
    },
    record: function (name) { return known[name]; },
    /** Draw a panel again of what is known. */
    dirty: function (name) { dirty[name] = true; if (known[name]) known[name].waitedFor = true; schedule(); },
  };

  document.addEventListener("visibilitychange", function () { subscribe(); if (!document.hidden) app.panels.tick(); });
})(window.aiTrader);

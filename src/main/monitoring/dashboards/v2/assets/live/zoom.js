/* Refine on zoom: a chart that shows a part of its range asks for the points of that part, and has them in their place. */
(function (app) {
  "use strict";
  var AROUND = 0.1; // of what is shown, on either side: lines come in from outside, and little is missing at the next step
  var STEPS = [1, 5, 15, 60, 300, 900, 3600, 14400, 86400].map(function (seconds) { return seconds * 1000; });
  var PARTS = 8;    // steps that an asked range has at least: who zooms to nearly the same asks the same
  var WHOLE = 0.98; // of a range is all of it
  var LISTS = ["x", "y", "text", "customdata", "hovertext", "open", "high", "low", "close"];
  var zooms = {};   // by panel: { from, to, version, content, view, of, held }: of which view and choices the content is

  function moment(axis, end) { return app.writing.unfield(new Date(axis.r2l(end)).toISOString().slice(0, 23), app.view.zone); }
  function iso(at) { return new Date(at).toISOString().replace(".000Z", "Z"); }
  function isReach(trace) { return trace.meta === "reach"; }
  function isPart(trace) { return trace.meta !== "whole" && !isReach(trace) && Array.isArray(trace.x); }

  /** The ends of what the figure shows unasked, in milliseconds. */
  function span(figure) {
    var given = (figure.layout.xaxis || {}).range, first = Infinity, last = -Infinity;
    if (given) return given;
    figure.data.filter(isPart).forEach(function (trace) {
      trace.x.forEach(function (at) { if (at < first) first = at; if (at > last) last = at; });
    });
    return [first, last];
  }

  /** What to ask for where `from` to `to` is shown; null where that is the whole. */
  function range(figure, from, to) {
    var whole = span(figure), shown = to - from, step = STEPS[0];
    if (!(shown > 0) || (from <= whole[0] && to >= whole[1])) return null;
    if (shown >= (whole[1] - whole[0]) * WHOLE && from >= whole[0] - shown * (1 - WHOLE)) return null;
    STEPS.forEach(function (each) { if (each <= shown / PARTS) step = each; });
    return { from: Math.floor((from - shown * AROUND) / step) * step, to: Math.ceil((to + shown * AROUND) / step) * step };
  }

  function moved(plot) {
    var panel = plot.closest("[data-panel]"), name = panel && panel.dataset.panel, record = name && app.panels.record(name);
    var axis = (plot._fullLayout || {}).xaxis, before = zooms[name];
    if (!record || !record.figure || !axis || axis.type !== "date" || !(app.shell.config.panels[name] || {}).refines) return;
    var now = app.figures.isReset(plot, "xaxis") ? null : range(record.figure, moment(axis, axis.range[0]), moment(axis, axis.range[1]));
    if (now && before && now.from === before.from && now.to === before.to) return;
    if (now) zooms[name] = Object.assign(now, { held: before && (before.content ? before : before.held) });
    else if (before) delete zooms[name]; else return;
    app.panels.subscribe();
  }

  /** A chart that shows another part is drawn for it at once, or, where the viewer went back to the whole, as it is by now. */
  function shifted(plot, change) {
    var panel = plot.closest("[data-panel]"), isShift = Object.keys(change || {}).some(function (key) { return /^xaxis/.test(key); });
    if (!panel || !isShift) return;
    moved(plot);
    if ((app.panels.record(panel.dataset.panel) || {}).figure) app.panels.dirty(panel.dataset.panel);
  }

  /** Put the finer points of a part in the place of a trace's own; bars of two lengths do not stand beside each other. */
  function joined(trace, finer, zoom) {
    var own = trace.x, start = own.findIndex(function (at) { return at > zoom.from; }), end = own.findIndex(function (at) { return at > zoom.to; });
    var first = finer.x.findIndex(function (at) { return at > zoom.from && at <= zoom.to; }), last = finer.x.length, copy = Object.assign({}, trace);
    if (start < 0) start = own.length;
    if (end < 0) end = own.length;
    while (last > 0 && finer.x[last - 1] > zoom.to) last--;
    if (first < 0 || last - first < end - start) return trace; // what is known of the part is not finer: only sums of it are kept
    if (finer.mode && last - first > 1) copy.mode = finer.mode;
    LISTS.forEach(function (list) {
      if (!Array.isArray(trace[list]) || !Array.isArray(finer[list])) return;
      var inside = finer[list].slice(first, last);
      copy[list] = trace.type === "scatter" ? trace[list].slice(0, start).concat(inside, trace[list].slice(end)) : inside;
    });
    return copy;
  }

  /** What a trace has in common with the one that shows the same of a part: marks of a kind may be missing in either. */
  function kind(trace) { return [trace.type, trace.yaxis || "y", trace.name, (trace.marker || {}).symbol].join(); }

  /** Between finer points, what is of the whole range has a moment of its own: its words say of which it is. */
  function dated(trace) {
    if (trace.meta !== "whole" || !/%\{text\}/.test(trace.hovertemplate || "")) return trace;
    return Object.assign({}, trace, { hovertemplate: trace.hovertemplate.replace("%{text}", "%{text} at %{x}") });
  }

  function axis(trace) { return "yaxis" + (trace.yaxis || "y").slice(1); }

  /** The traces of a figure with the points of a part in them, and those that only the part has. */
  function spliced(figure, fine, zoom) {
    var finer = fine.data.filter(isPart), lines = figure.data.filter(function (trace) { return !isReach(trace); }), isFiner = false;
    var data = lines.map(function (trace) {
      var at = isPart(trace) ? finer.findIndex(function (each) { return kind(each) === kind(trace); }) : -1;
      var part = at < 0 ? trace : joined(trace, finer.splice(at, 1)[0], zoom);
      isFiner = isFiner || part !== trace;
      return part;
    });
    // A band has few points, only where a value went further: in pieces of two it would bridge what lies between.
    if (isFiner) data = data.map(dated);
    return (isFiner ? fine : figure).data.filter(isReach).concat(data, finer.filter(function (trace) { return trace.x.length; }));
  }

  document.addEventListener("pointerover", function (event) {
    var plot = event.target.closest && event.target.closest(".js-plotly-plot");
    if (!plot || !plot.on || plot.refining === plot._ev) return;
    plot.refining = plot._ev; // another Plotly that takes over the chart begins with listeners of its own
    plot.on("plotly_relayout", function (change) { shifted(plot, change); });
  });

  app.zoom = {
    /** What the server is asked for beside the panel itself: the same of the part that is shown; null without a zoom. */
    asked: function (name) {
      var zoom = zooms[name], asked = app.options.asked(name);
      return zoom ? asked + (asked.indexOf("?") < 0 ? "?" : "&") + "zoom=" + encodeURIComponent(iso(zoom.from) + ".." + iso(zoom.to)) : null;
    },
    /** Take news of a part; whether the version they are of is known. */
    received: function (name, news, view) {
      var zoom = zooms[name], content = app.tails.content(zoom, news);
      if (content === undefined) return false;
      zoom.version = news.version;
      zoom.view = view;
      zoom.of = app.options.asked(name);
      if (content) { zoom.content = content; zoom.held = null; }
      return true;
    },
    /** The figure with the finer points of what is shown of it, as far as they came; until then those of the zoom before. */
    refined: function (name, figure, view) {
      var zoom = zooms[name] && (zooms[name].held || zooms[name]), layout = Object.assign({}, figure.layout);
      var fine = zoom && zoom.view === view && zoom.of === app.options.asked(name) && zoom.content && zoom.content.figure;
      if (!fine) return figure;
      fine.data.filter(isPart).forEach(function (trace) { layout[axis(trace)] = fine.layout[axis(trace)]; });
      return { data: spliced(figure, fine, zoom), layout: layout };
    },
    /** Another page is shown: its charts are new. */
    forget: function () { zooms = {}; },
  };
})(window.aiTrader);

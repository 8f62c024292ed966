/* Refine on zoom: a chart that shows a part of its range asks for the points of that part, and has them in their place. */
(function (app) {
  "use strict";
  var AROUND = 0.1; // of what is shown, on either side: lines come in from outside, and little is missing at the next step
  var STEPS = [1, 5, 15, 60, 300, 900, 3600, 14400, 86400].map(function (seconds) { return seconds * 1000; });
  var PARTS = 8;    // steps that an asked range has at least: who zooms to nearly the same asks the same
  var WHOLE = 0.98; // of a range is all of it
  var LISTS = ["x", "y", "text", "customdata", "hovertext", "open", "high", "low", "close"];
  var zooms = {};   // by panel: { from, to, version, content, view }

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
    if (!(shown > 0) || (shown >= (whole[1] - whole[0]) * WHOLE && from >= whole[0] - shown * (1 - WHOLE))) return null;
    STEPS.forEach(function (each) { if (each <= shown / PARTS) step = each; });
    return { from: Math.floor((from - shown * AROUND) / step) * step, to: Math.ceil((to + shown * AROUND) / step) * step };
  }

  function moved(plot) {
    var panel = plot.closest("[data-panel]"), name = panel && panel.dataset.panel, record = name && app.panels.record(name);
    var axis = (plot._fullLayout || {}).xaxis, before = zooms[name];
    if (!record || !record.figure || !axis || axis.type !== "date" || !(app.shell.config.panels[name] || {}).refines) return;
    var now = range(record.figure, moment(axis, axis.range[0]), moment(axis, axis.range[1]));
    if (now && before && now.from === before.from && now.to === before.to) return;
    if (now) zooms[name] = Object.assign(now, { held: before && (before.content ? before : before.held) });
    else if (before) { delete zooms[name]; app.panels.dirty(name); } else return;
    app.panels.subscribe();
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

  /** The bands behind lines have only the points at which a value went further, be it none: those of a part are all new. */
  function bands(figure, fine, zoom) {
    var own = figure.data.filter(isReach), finer = fine.data.filter(isReach);
    if (own.length && finer.length && own.length !== finer.length) return own;
    return (own.length ? own : finer).map(function (edge, at) {
      var rest = own[at] || { x: [], y: [] }, part = finer[at] || { x: [], y: [] }, copy = Object.assign({}, edge);
      function put(list) {
        function of(trace, isKept) { return trace[list].filter(function (_, each) { return isKept(trace.x[each]); }); }
        return of(rest, function (x) { return x <= zoom.from; }).concat(
          of(part, function (x) { return x > zoom.from && x <= zoom.to; }), of(rest, function (x) { return x > zoom.to; }));
      }
      copy.y = put("y");
      copy.x = put("x");
      return copy;
    });
  }

  document.addEventListener("pointerover", function (event) {
    var plot = event.target.closest && event.target.closest(".js-plotly-plot");
    if (!plot || !plot.on || plot.refining) return;
    plot.refining = true;
    plot.on("plotly_relayout", function () { moved(plot); });
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
      if (content) { zoom.content = content; zoom.held = null; }
      return true;
    },
    /** The figure with the finer points of what is shown of it, as far as they came; until then those of the zoom before. */
    refined: function (name, figure, view) {
      var zoom = zooms[name] && (zooms[name].held || zooms[name]), fine = zoom && zoom.view === view && zoom.content && zoom.content.figure;
      if (!fine) return figure;
      var own = figure.data.filter(isPart), finer = fine.data.filter(isPart), layout = Object.assign({}, figure.layout), at = 0;
      if (own.length !== finer.length || own.some(function (trace, each) { return trace.type !== finer[each].type; })) return figure;
      Object.keys(fine.layout).forEach(function (key) { if (/^yaxis/.test(key)) layout[key] = fine.layout[key]; });
      var lines = figure.data.filter(function (trace) { return !isReach(trace); });
      var data = lines.map(function (trace) { return isPart(trace) ? joined(trace, finer[at++], zoom) : trace; });
      return { data: bands(figure, fine, zoom).concat(data), layout: layout };
    },
    /** Another page is shown: its charts are new. */
    forget: function () { zooms = {}; },
  };
})(window.aiTrader);

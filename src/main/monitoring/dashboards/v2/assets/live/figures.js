/* Charts: the server sends data, colours by token and times in UTC; here they get theme, zone and the viewer's zoom. */
(function (app) {
  "use strict";
  var templates = null;
  var colours = {};
  var ranges = {};  // by graph id: the ranges the figure itself named last
  var probe = null;
  var drawable = false, watchers = [];
  var DATA = { x: 1, y: 1, text: 1, customdata: 1, values: 1, labels: 1, ids: 1, parents: 1, ticktext: 1, tickvals: 1 };
  var CONFIG = {
    displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false, displaylogo: false, showSendToCloud: false, responsive: true,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "pan2d"],
  };
  app.theme.onChange(function () { colours = {}; });

  /** The colour behind `@name` or `@name/0.3`, as the present theme has it. */
  function colour(token) {
    if (colours[token]) return colours[token];
    var parts = token.slice(1).split("/");
    if (!probe) { probe = document.createElement("span"); probe.hidden = true; document.body.append(probe); }
    probe.style.color = "var(--" + parts[0] + ")";
    var rgb = getComputedStyle(probe).color.match(/[\d.]+/g) || ["128", "128", "128"];
    colours[token] = "rgba(" + rgb.slice(0, 3).join(",") + "," + (parts.length > 1 ? parts[1] : rgb[3] || 1) + ")";
    return colours[token];
  }

  function coloured(value, key) {
    if (typeof value === "string") return value.charAt(0) === "@" && /color/i.test(key) ? colour(value) : value;
    if (Array.isArray(value)) return value.map(function (item) { return coloured(item, key); });
    if (value && typeof value === "object") {
      var copy = {};
      Object.keys(value).forEach(function (name) {
        copy[name] = DATA[name] ? value[name] : coloured(value[name], /color/i.test(key) ? key : name);
      });
      return copy;
    }
    return value;
  }

  /** Plotly takes a number for the browser's own local time, a text for what it says: so the wall clock goes as text. */
  function moved(values, zone) {
    return values.map(function (value) {
      if (typeof value !== "number") return value;
      return new Date(value + app.writing.offset(value, zone)).toISOString().slice(0, 23).replace("T", " ");
    });
  }

  /** Make room for what is missing up to a moment, however little of the axis that is. */
  function extended(figure, until) {
    var axis = figure.layout.xaxis || {};
    if (axis.type !== "date") return;
    var first = Infinity, last = -Infinity;
    figure.data.forEach(function (trace) {
      (trace.x || []).forEach(function (at) { if (at < first) first = at; if (at > last) last = at; });
    });
    if (first < last) axis.range = [axis.range ? axis.range[0] : first, Math.max(until, last + (last - first) * 0.08)];
  }

  function zoned(figure, zone) {
    var isDate = (figure.layout.xaxis || {}).type === "date";
    if (!isDate) return;
    figure.data.forEach(function (trace) { if (Array.isArray(trace.x)) trace.x = moved(trace.x, zone); });
    Object.keys(figure.layout).forEach(function (name) {
      var axis = figure.layout[name];
      if (!/^xaxis/.test(name) || !axis) return;
      if (axis.range) axis.range = moved(axis.range, zone);
      (axis.rangebreaks || []).forEach(function (each) { each.bounds = moved(each.bounds, zone); });
    });
  }

  /** Whether an axis shows what it showed when it was drawn first: that is what a double click and the toolbar go back to. */
  function isReset(plot, name) {
    var axis = (plot._fullLayout || {})[name];
    return Boolean(axis && axis.range) && String(axis.range) === String([axis._rangeInitial0, axis._rangeInitial1]);
  }

  /** Where the end of the lines is not in the picture, a tag on the axis would be taken for the end of what is. */
  function untagged(figure) {
    var axis = figure.layout.xaxis || {}, last = "";
    if (axis.type !== "date" || !axis.range) return;
    figure.data.forEach(function (trace) {
      (Array.isArray(trace.x) ? trace.x : []).forEach(function (at) { if (at > last) last = at; });
    });
    if (!(last > axis.range[0] && last <= axis.range[1])) {
      (figure.layout.annotations || []).forEach(function (each) { if (each.name === "last") each.visible = false; });
    }
  }

  /** Keep what the viewer zoomed to. `uirevision` does not, for a range the figure itself names. */
  function zoomed(figure, plot, given) {
    if (!plot || !plot.layout) return;
    Object.keys(plot.layout).forEach(function (name) {
      var axis = plot.layout[name];
      if (!/^[xy]axis/.test(name) || !axis || axis.autorange !== false || !axis.range) return;
      if (axis.fixedrange || isReset(plot, name) || (given[name] && String(given[name]) === String(axis.range))) return;
      if (figure.layout[name]) Object.assign(figure.layout[name], { range: axis.range.slice(), autorange: false });
    });
  }

  function plotOf(id) {
    var graph = document.getElementById(id);
    return graph ? graph.querySelector(".js-plotly-plot") : null;
  }

  /** The chart that stands for a figure that Dash was given, once it is there. */
  function ready(given, id) {
    var plot = given && plotOf(id);
    return plot && plot._fullLayout && window.Plotly && !plot.classList.contains("dash-graph--pending") ? plot : null;
  }

  function become(given, figure) {
    given.data = figure.data;
    given.layout = Object.assign(figure.layout, { autosize: true }); // as Dash has it for a chart that fills its place
  }

  app.figures = {
    CONFIG: CONFIG,
    /** Load the templates; resolves when figures can be dressed. */
    ready: function () {
      return app.templates.then(function (loaded) { templates = loaded; });
    },
    /** Return a figure as the page shows it; the one given stays as the server sent it. */
    dressed: function (figure, id, until) {
      app.plotly.meets(figure);
      var copy = { data: coloured(figure.data || [], ""), layout: coloured(figure.layout || {}, "") };
      copy.layout.template = templates ? templates[app.theme.current] : undefined;
      // The crosshair's outline is made to contrast with the paper: on a transparent one it would be white in the dark.
      copy.layout.paper_bgcolor = colour("@surface-panel");
      if (until) extended(copy, until);
      zoned(copy, app.view.zone);
      var given = {};
      Object.keys(copy.layout).forEach(function (name) {
        if (!/^[xy]axis/.test(name) || !copy.layout[name]) return;
        // Said in so many words: Plotly keeps an old "false" beside a range that is no longer there.
        copy.layout[name].autorange = !copy.layout[name].range;
        if (copy.layout[name].range) given[name] = copy.layout[name].range.slice();
      });
      if (id) {
        zoomed(copy, plotOf(id), ranges[id] || {});
        ranges[id] = given;
      }
      untagged(copy);
      return copy;
    },
    /**
     * Draw a chart that is there by Plotly itself: the way through Dash and React costs a tenth more each time. The figure
     * that Dash was given becomes the new one in place, so that both have the same. Return whether it was drawn.
     */
    grown: function (given, figure, id) {
      var plot = ready(given, id), drawn = plotOf(id);
      // Also where Dash is to draw it: a chart that stayed behind would ask for this again as soon as it is drawn.
      if (drawn) drawn.behind = false;
      if (!plot) return false;
      become(given, figure);
      window.Plotly.react(plot, given.data, given.layout);
      return true;
    },
    /** The same by hand, for a `step` {from, to, catchUp} from the figure that Plotly drew last; see `strokes`. */
    stroked: function (given, figure, id, step) {
      var plot = ready(given, id);
      try {
        if (!plot || !app.strokes.drawn(plot, step.from, step.to, figure.layout, step.catchUp)) return false;
      } catch (error) {
        console.info("by hand", id, error); // another Plotly than the one this was written for: it draws everything itself
        return false;
      }
      become(given, figure);
      plot.data = given.data; // what is read out, exported, or drawn by Plotly when it comes to that
      plot.layout = given.layout;
      return true;
    },
    plotOf: plotOf,
    isReset: isReset,
    /** Whether Plotly is there; before, its first chart would make Dash load it a second time. */
    get drawable() { return drawable; },
    onDrawable: function (watcher) { watchers.push(watcher); },
    /** Run Plotly, which was fetched meanwhile. Run any earlier, it holds up the shell and the tables for half a second. */
    load: function () {
      app.plotly.load(function () { drawable = true; watchers.forEach(function (watcher) { watcher(); }); });
    },
    /** Hatch what is missing between the last point and the moment shown. */
    gap: function (id, show) {
      var plot = plotOf(id), holder = plot && plot.closest(".chart");
      if (!holder) return;
      var old = holder.querySelector(":scope > .gap");
      if (old) old.remove();
      var full = plot._fullLayout;
      if (!show || !full || !full._size || !full.xaxis || full.xaxis.type !== "date") return;
      var last = plot.data.reduce(function (latest, trace) {
        var end = trace.x && trace.x.length ? trace.x[trace.x.length - 1] : "";
        return end > latest ? end : latest;
      }, "");
      var size = full._size;
      var width = size.w - full.xaxis.d2p(last);
      if (!(width > 2 && width < size.w)) return;
      var mark = document.createElement("div");
      mark.className = "gap";
      mark.style.cssText = "top:" + size.t + "px;height:" + size.h + "px;width:" + width + "px;left:" + (size.l + size.w - width) + "px";
      holder.style.position = "relative";
      holder.append(mark);
    },
  };
})(window.aiTrader);

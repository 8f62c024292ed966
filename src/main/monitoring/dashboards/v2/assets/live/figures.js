/* Charts: the server sends data, colours by token and times in UTC; here they get theme, zone and the viewer's zoom. */
(function (app) {
  "use strict";
  var templates = null;
  var colours = {};
  var probe = null;
  var DATA = { x: 1, y: 1, text: 1, customdata: 1, values: 1, labels: 1, ids: 1, parents: 1, ticktext: 1, tickvals: 1 };
  var CONFIG = {
    displayModeBar: "hover", displaylogo: false, showSendToCloud: false, responsive: true,
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

  function moved(values, zone) {
    return values.map(function (value) { return typeof value === "number" ? value + app.writing.offset(value, zone) : value; });
  }

  function zoned(figure, zone) {
    var isDate = (figure.layout.xaxis || {}).type === "date";
    if (!isDate) return;
    figure.data.forEach(function (trace) { if (Array.isArray(trace.x)) trace.x = moved(trace.x, zone); });
    Object.keys(figure.layout).forEach(function (name) {
      var axis = figure.layout[name];
      if (/^xaxis/.test(name) && axis && axis.range) axis.range = moved(axis.range, zone);
    });
  }

  /** Keep what the viewer zoomed to. `uirevision` does not, for a range the figure itself names. */
  function zoomed(figure, plot) {
    if (!plot || !plot.layout) return;
    Object.keys(plot.layout).forEach(function (name) {
      var axis = plot.layout[name];
      if (!/^[xy]axis/.test(name) || !axis || axis.autorange !== false || !axis.range) return;
      var given = plot.aiTraderGiven && plot.aiTraderGiven[name];
      if (given && String(given.map(Number)) === String(axis.range.map(Number))) return;
      if (!given && axis.fixedrange) return;
      if (figure.layout[name] && !figure.layout[name].fixedrange) figure.layout[name].range = axis.range.slice();
    });
  }

  function plotOf(id) {
    var graph = document.getElementById(id);
    return graph ? graph.querySelector(".js-plotly-plot") : null;
  }

  app.figures = {
    CONFIG: CONFIG,
    /** Load the templates; resolves when figures can be dressed. */
    ready: function () {
      return fetch("/assets/plotly.json").then(function (answer) { return answer.json(); })
        .then(function (loaded) { templates = loaded; });
    },
    /** Return a figure as the page shows it; the one given stays as the server sent it. */
    dressed: function (figure, id) {
      var copy = { data: coloured(figure.data || [], ""), layout: coloured(figure.layout || {}, "") };
      copy.layout.template = templates ? templates[app.theme.current] : undefined;
      zoned(copy, app.view.zone);
      var given = {};
      Object.keys(copy.layout).forEach(function (name) {
        if (/^[xy]axis/.test(name) && copy.layout[name] && copy.layout[name].range) given[name] = copy.layout[name].range.slice();
      });
      var plot = id ? plotOf(id) : null;
      zoomed(copy, plot);
      if (plot) plot.aiTraderGiven = given;
      return copy;
    },
    plotOf: plotOf,
    /** Hatch what is missing between the last point and the moment shown. */
    gap: function (id, show) {
      var plot = plotOf(id), holder = plot && plot.closest(".chart");
      if (!holder) return;
      var old = holder.querySelector(":scope > .gap");
      if (old) old.remove();
      var full = plot._fullLayout;
      if (!show || !full || !full._size || !full.xaxis || full.xaxis.type !== "date") return;
      var last = Math.max.apply(null, plot.data.map(function (trace) {
        return trace.x && trace.x.length ? Number(new Date(trace.x[trace.x.length - 1])) || trace.x[trace.x.length - 1] : -Infinity;
      }));
      var size = full._size;
      var from = full.xaxis.d2p ? full.xaxis.d2p(last) : size.w;
      var width = Math.max(24, size.w - from);
      var mark = document.createElement("div");
      mark.className = "gap";
      mark.style.cssText = "top:" + size.t + "px;height:" + size.h + "px;width:" + width + "px;left:" + (size.l + size.w - width) + "px";
      holder.style.position = "relative";
      holder.append(mark);
    },
  };
})(window.aiTrader);

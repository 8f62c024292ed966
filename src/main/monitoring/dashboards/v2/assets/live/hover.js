/* Linked hover: the moment under the pointer is marked in every chart of the page. */
(function (app) {
  "use strict";

  function marks() { return document.querySelectorAll(".chart > .crosshair"); }
  function clear() { marks().forEach(function (mark) { mark.remove(); }); }

  function axisOf(plot) {
    var full = plot._fullLayout;
    return full && full._size && full.xaxis && full.xaxis.type === "date" ? full.xaxis : null;
  }

  function mark(plot, x) {
    var holder = plot.closest(".chart"), axis = axisOf(plot), old = holder && holder.querySelector(":scope > .crosshair");
    var place = axis && axis.d2p(x);
    if (!holder || !axis || !(place >= 0 && place <= axis._length)) { if (old) old.remove(); return; }
    var size = plot._fullLayout._size, line = old || document.createElement("div");
    line.className = "crosshair";
    line.style.cssText = "top:" + size.t + "px;height:" + size.h + "px;left:" + (size.l + place) + "px";
    if (!old) { holder.style.position = "relative"; holder.append(line); }
  }

  function hovered(plot, event) {
    var point = event.points && event.points[0];
    if (!point || !axisOf(plot)) { clear(); return; }
    document.querySelectorAll("#page .js-plotly-plot").forEach(function (other) {
      if (other !== plot) mark(other, point.x);
    });
  }

  // Plotly makes its charts in its own time: one is listened to from when the pointer first comes to it.
  document.addEventListener("pointerover", function (event) {
    var plot = event.target.closest && event.target.closest(".js-plotly-plot");
    if (!plot || !plot.on || plot.linked === plot._ev) return;
    plot.linked = plot._ev; // another Plotly that takes over the chart begins with listeners of its own
    plot.on("plotly_hover", function (hover) { hovered(plot, hover); });
    plot.on("plotly_unhover", clear);
  });

  /** A chart is one tab stop; arrows walk its points, which are read out and marked everywhere. */
  document.addEventListener("keydown", function (event) {
    var holder = event.target, step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !holder.classList || !holder.classList.contains("chart")) return;
    var plot = holder.querySelector(".js-plotly-plot"), lines = plot && plot.data && plot.data.filter(function (each) { return each.x && each.x.length && each.hoverinfo !== "skip"; }), trace = lines && lines[0];
    if (!trace) return;
    event.preventDefault();
    event.stopPropagation();
    var last = trace.x.length - 1, at = holder.walked === undefined ? last : Math.max(0, Math.min(last, holder.walked + step));
    holder.walked = at;
    var said = lines.map(function (each) {
      var there = each.x.findLastIndex(function (x) { return x <= trace.x[at]; }); // a line may have other points than the first
      var text = Array.isArray(each.text) ? each.text[there] : each.y && each.y[there];
      return text === null || text === undefined || text === "" ? "" : (each.name ? each.name + " " : "") + text;
    }).filter(Boolean);
    app.shell.announce(String(trace.x[at]).slice(0, 19) + ": " + said.join(", "));
    document.querySelectorAll("#page .js-plotly-plot").forEach(function (other) { mark(other, trace.x[at]); });
  });
  document.addEventListener("focusout", function (event) {
    if (event.target.classList && event.target.classList.contains("chart")) { delete event.target.walked; clear(); }
  });

  app.hover = { clear: clear };
})(window.aiTrader);

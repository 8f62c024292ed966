/* Which Plotly this page runs: the one with few traces that it began with, or the whole one, once a figure needs it. */
(function (app) {
  "use strict";
  var traces = app.plotlyTraces, address = app.plotlyAddress, began = false;

  function run(source, done) {
    var script = document.createElement("script");
    script.src = source;
    script.onload = done;
    script.onerror = done; // Dash tries once more, and says so where it fails
    document.head.append(script);
  }

  app.plotly = {
    /** Run Plotly, which was fetched meanwhile; the small one ran by itself. */
    load: function (done) {
      began = true;
      if (traces && window.Plotly) done(); else run(address, done);
    },
    /** A figure is to be drawn. With a trace that this Plotly does not know, the whole one takes its place, and draws all. */
    meets: function (figure) {
      var known = !traces || (figure.data || []).every(function (trace) { return traces.indexOf(trace.type || "scatter") >= 0; });
      if (known) return;
      traces = null;
      address = app.wholePlotlyAddress;
      if (began) run(address, function () { app.panels.redraw(); });
    },
  };
})(window.aiTrader);

/* Before the first paint: the theme, kept when Mantine writes its own idea of it; and what the page will ask for first. */
(function () {
  "use strict";
  var KEY = "mantine-color-scheme-value"; // Mantine's own key, so that it starts with the same theme
  var root = document.documentElement;

  function valid(name) { return name === "light" || name === "dark" ? name : null; }
  function remembered() {
    try { return valid(localStorage.getItem(KEY)); } catch (error) { return null; }
  }

  var given = document.currentScript.dataset;
  var current = valid(new URLSearchParams(location.search).get("theme")) || remembered() || "dark";
  var listeners = [];
  function write() {
    if (root.getAttribute("data-mantine-color-scheme") !== current) root.setAttribute("data-mantine-color-scheme", current);
  }
  write();
  new MutationObserver(write).observe(root, { attributes: true, attributeFilter: ["data-mantine-color-scheme"] });

  // Dash asks for these when all its scripts have run: the server answers meanwhile.
  var ask = window.fetch, early = {};
  ["_dash-layout", "_dash-dependencies"].forEach(function (name) {
    early[name] = ask(given.prefix + name, { credentials: "same-origin", headers: { Accept: "application/json" } });
    early[name].catch(function () { /* it is asked once more, by Dash itself */ });
  });
  window.fetch = function (resource) {
    var all = arguments, name = String(resource).split("/").pop(), answer = early[name];
    delete early[name];
    return answer ? answer.catch(function () { return ask.apply(window, all); }) : ask.apply(window, all);
  };

  // Dash names Plotly without a fingerprint, and an address without one is asked for anew at every visit.
  var plotly = given.plotly;
  Object.defineProperty(window, "_dashPlotlyJSURL", { get: function () { return plotly; }, set: function () {} });

  window.aiTrader = {
    plotlyAddress: plotly,
    plotlyTraces: given.traces ? given.traces.split(" ") : null, // what this Plotly draws; null: everything
    wholePlotlyAddress: given.whole,
    gridAddress: given.grid,
    // Asked for first, because the first chart waits for it.
    templates: fetch(given.templates).then(function (answer) { return answer.json(); }),
    theme: {
      get current() { return current; },
      /** Show a theme; `remember` keeps it for the next visit. */
      set: function (name, remember) {
        if (!valid(name) || name === current) return;
        current = name;
        write();
        if (remember) { try { localStorage.setItem(KEY, name); } catch (error) { /* private mode: for this page only */ } }
        listeners.forEach(function (listener) { listener(name); });
      },
      onChange: function (listener) { listeners.push(listener); },
    },
  };
})();

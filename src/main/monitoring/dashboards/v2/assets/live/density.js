/* How close table rows stand: normal or compact, kept for the next visit. An address that says so comes first. */
(function (app) {
  "use strict";
  var KEY = "ai-trader-density", root = document.documentElement;

  function remembered() { try { return localStorage.getItem(KEY); } catch (error) { return null; } }
  function show(compact) { if (compact) root.setAttribute("data-density", "compact"); else root.removeAttribute("data-density"); }

  app.density = {
    get compact() { return root.getAttribute("data-density") === "compact"; },
    toggle: function () {
      var compact = !app.density.compact;
      show(compact);
      try { localStorage.setItem(KEY, compact ? "compact" : "normal"); } catch (error) { /* for this page only */ }
      if (new URLSearchParams(location.search).has("density")) app.view.set({ density: compact ? "compact" : null }, "density");
      app.shell.announce(compact ? "Compact rows" : "Normal rows");
    },
  };
  show((new URLSearchParams(location.search).get("density") || remembered()) === "compact");
})(window.aiTrader);

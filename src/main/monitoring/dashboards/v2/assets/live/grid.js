/* The grid of long tables: a fifth of all script, fetched when the first of them is to be shown. */
(function (app) {
  "use strict";
  var waiting = [], loading = false;

  function holds(node) {
    if (Array.isArray(node)) return node.some(holds);
    if (!node || typeof node !== "object") return false;
    return node.namespace === "dash_ag_grid" || (node.props ? holds(node.props.children) : false);
  }

  function load() {
    var script = document.createElement("script");
    if (loading) return;
    loading = true;
    script.src = app.gridAddress;
    script.onload = function () { var all = waiting; waiting = []; all.forEach(function (then) { then(); }); };
    script.onerror = function () {
      loading = false; // the next answer tries again
      waiting = [];
      app.strips.show("grid", "warn", "Tables not shown", "a script of theirs did not come; reload the page");
    };
    document.head.append(script);
  }

  app.grid = {
    /** Tell a grid which of its rows came, went or changed; `shown`, the list that Dash has, becomes the new one in place. */
    moved: function (id, shown, rows) {
      var change = shown && app.tails.rows(shown, rows), api = null;
      try { api = change && window.dash_ag_grid.getApi(id); } catch (error) { return false; } // still being made
      if (!api || api.isDestroyed()) return false;
      api.applyTransaction(change);
      shown.length = 0;
      rows.forEach(function (row) { shown.push(row); });
      return true;
    },
    /** Whether content can be handed to Dash now; if not, `then` is called when it can. */
    ready: function (content, then) {
      if (window.dash_ag_grid || !holds(content)) return true;
      waiting.push(then);
      load();
      return false;
    },
  };
})(window.aiTrader);

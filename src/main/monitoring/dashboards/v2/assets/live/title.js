/* The title line: what the page is about, and whose money. A simulated account is never shown without its chip. */
(function (app) {
  "use strict";
  var element = app.shell.element;

  function about() {
    if (app.shell.config.controls.indexOf("accounts") < 0) return app.writing.date(app.view.asOf ? Date.parse(app.view.asOf) : app.shell.now(), app.view.zone);
    var shown = app.view.shown;
    var none = app.view.directory.known ? "no account yet" : "accounts not known";
    var names = shown.length === 1 ? shown[0].label || shown[0].id : shown.length ? shown.length + " accounts" : none;
    var at = app.view.asOf ? Date.parse(app.view.asOf) : app.controls.clockTime();
    return app.writing.date(at, app.view.zone) + " · " + names;
  }

  function modes() {
    var shown = app.view.shown, order = ["live", "replay", "simulated", "paper"];
    if (app.shell.config.controls.indexOf("accounts") < 0) order = ["replay", "simulated"]; // no account is selected there
    return order.map(function (mode) {
      var those = shown.filter(function (account) { return account.mode === mode; });
      var known = app.controls.MODES[mode];
      if (!those.length) return null;
      var names = those.length < app.view.directory.accounts.length ? " · " + those.map(function (account) { return account.label || account.id; }).join(", ") : "";
      var icon = mode === "simulated" ? app.shell.icon("flask-conical") : mode === "replay" ? app.shell.icon("history") : null;
      return element("span", { class: "chip chip-" + known[1] }, [icon, known[0] + names]);
    }).filter(Boolean);
  }

  app.title = {
    /** The date turns at midnight, and with the first word of a replay's own time. */
    tick: function () {
      var scope = document.getElementById("title-scope"), words = about();
      if (scope && scope.textContent !== words) scope.textContent = words;
    },
    draw: function () {
      var scope = document.getElementById("title-scope"), chips = document.getElementById("title-modes");
      if (!scope || !chips) return;
      scope.textContent = about();
      chips.replaceChildren.apply(chips, modes());
    },
  };
})(window.aiTrader);

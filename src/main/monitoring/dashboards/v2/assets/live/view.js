/* What is being looked at: accounts, strategy, range, moment, zone. It lives in the URL, so that a view can be shared. */
(function (app) {
  "use strict";
  var listeners = [];
  var effective = { accounts: [], clock: "wall", note: "" }; // what the server shows when the URL leaves it open
  var directory = { accounts: [], strategies: [], known: true }; // a strategy with each account that ran it
  var own = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  function parameters() { return new URLSearchParams(location.search); }
  function tell(what) { listeners.forEach(function (listener) { listener(what); }); }
  function usable(zone) {
    try { new Intl.DateTimeFormat("en", { timeZone: zone }); return true; } catch (error) { return false; }
  }

  app.view = {
    get accounts() { return (parameters().get("accounts") || "").split(",").filter(Boolean); },
    get strategy() { return parameters().get("strategy"); },
    get window() { return parameters().get("range") || app.view.usualWindow; },
    /** The range where the viewer has chosen none: days for what goes on, months for what came of it. */
    get usualWindow() { return app.router.here().window || app.shell.config.defaultWindow; },
    get asOf() { return parameters().get("as_of"); },
    get knownAt() { return parameters().get("known_at"); },
    get zone() {
      var zone = parameters().get("zone");
      return zone && usable(zone) ? zone : own;
    },
    get ownZone() { return own; },
    get effective() { return effective; },
    /** Whether the page lives in a replay's time. One without accounts shows machines: theirs is the wall clock. */
    get replayed() { return effective.clock === "replay" && app.shell.config.controls.indexOf("accounts") >= 0; },
    get directory() { return directory; },
    /** The accounts on the page: those chosen, or those the server chose. */
    get shown() {
      var ids = effective.accounts.length ? effective.accounts : app.view.accounts;
      return directory.accounts.filter(function (account) { return ids.indexOf(account.id) >= 0; });
    },
    /** The strategies of the accounts on the page, by name. */
    get strategies() {
      var ids = app.view.shown.map(function (account) { return account.id; }), names = {};
      directory.strategies.forEach(function (each) { if (ids.indexOf(each.account) >= 0) names[each.strategy] = true; });
      return Object.keys(names).sort();
    },
    /**
     * Change parts of the view; an empty value removes it from the URL. `kind` says what follows from it; `instead` takes
     * the place of the entry in the browser's history, for what moves through many values.
     */
    set: function (changes, kind, instead) {
      var query = parameters();
      Object.keys(changes).forEach(function (name) {
        // Of an option, nothing is a value too: where a composed page begins with another.
        if (changes[name] || (changes[name] === "" && name.indexOf(".") > 0)) query.set(name, changes[name]); else query.delete(name);
      });
      // Commas and slashes are allowed in a query: the address stays readable.
      var text = query.toString().replace(/%2C/gi, ",").replace(/%2F/gi, "/").replace(/%3A/gi, ":");
      history[instead ? "replaceState" : "pushState"](null, "", location.pathname + (text ? "?" + text : "") + location.hash);
      tell(kind || "scope");
    },
    /** What the server is asked for. */
    asked: function () {
      return {
        accounts: app.view.accounts, window: app.view.window, strategy: app.view.strategy,
        as_of: app.view.asOf, known_at: app.view.knownAt,
      };
    },
    /** A replayed account lives in its own time: the newest moment heard of is what its clock shows. */
    heard: function (fresh) {
      if (fresh.clock === "replay" && effective.clock === "replay" && !(Date.parse(effective.moment) >= Date.parse(fresh.moment))) {
        effective.moment = fresh.moment;
      }
    },
    settled: function (message) { effective = message; tell("settled"); },
    introduced: function (hello) {
      var accounts = (hello.accounts || []).map(function (each) { return Object.assign({ id: each.account }, each); });
      directory = { accounts: accounts, strategies: hello.strategies || [], known: Boolean(hello.accounts) };
      tell("directory");
    },
    onChange: function (listener) { listeners.push(listener); },
    /** The URL changed by itself: back, forward, a link. */
    moved: function () { tell("scope"); },
  };
})(window.aiTrader);

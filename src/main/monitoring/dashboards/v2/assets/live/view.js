/* What is being looked at: accounts, strategy, range, moment, zone. It lives in the URL, so that a view can be shared. */
(function (app) {
  "use strict";
  var listeners = [];
  var effective = { accounts: [], clock: "wall", note: "" }; // what the server shows when the URL leaves it open
  var directory = { accounts: [], strategies: [], known: true }; // a strategy with each account that ran it
  var refused = {}; // by name, a part of the address that the server can make nothing of, and why
  var own = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  function parameters() { return new URLSearchParams(location.search); }
  /** A part of the address, unless the server can make nothing of it: then it is as if it were not there. */
  function part(name) {
    var given = parameters().get(name);
    return given && !(refused[name] && refused[name].given === given) ? given : null;
  }
  function tell(what) { listeners.forEach(function (listener) { listener(what); }); }
  function usable(zone) {
    try { new Intl.DateTimeFormat("en", { timeZone: zone }); return true; } catch (error) { return false; }
  }

  app.view = {
    get accounts() { return (parameters().get("accounts") || "").split(",").filter(Boolean); },
    get strategy() { return part("strategy"); },
    get window() { return part("range") || app.view.usualWindow; },
    /** The range where the viewer has chosen none: days for what goes on, months for what came of it. */
    get usualWindow() { return app.router.here().window || app.shell.config.defaultWindow; },
    get asOf() { return part("as_of"); },
    get knownAt() { return part("known_at"); },
    /** Why parts of the address are left out, in words. */
    get leftOut() {
      var zone = parameters().get("zone");
      var why = Object.keys(refused).filter(function (name) { return parameters().get(name) === refused[name].given; }).map(function (name) { return refused[name].why; });
      return why.concat(zone && !usable(zone) ? ["zone: got \"" + zone.slice(0, 80) + "\", expected a zone such as Europe/Berlin"] : []);
    },
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
    /** The server can make nothing of parts of the address: the page goes on without them, and says so. */
    meaningless: function (parts) {
      var news = Object.keys(parts).filter(function (name) { return !refused[name] || refused[name].given !== parts[name].given; });
      Object.assign(refused, parts);
      if (news.length) tell("scope");
    },
    /** What is shown stays; what there is to say of the choice of accounts is another. */
    noted: function (message) { effective.note = message.note; tell("settled"); },
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

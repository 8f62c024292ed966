/* Puts the parts together once Dash has drawn the shell. */
(function (app) {
  "use strict";

  function siblings() {
    document.querySelectorAll("a[data-port]").forEach(function (link) {
      if (link.getAttribute("href") === "#") link.href = location.protocol + "//" + location.hostname + ":" + link.dataset.port + "/";
    });
  }

  function chrome() { app.controls.draw(); app.title.draw(); app.strips.draw(); }

  function changed(what) {
    chrome();
    if (what === "scope") {
      app.options.moved();
      app.panels.subscribe();
      var asked = new URLSearchParams(location.search).get("theme");
      if (asked) app.theme.set(asked, false);
    }
    if (what === "zone") app.panels.redraw();
  }

  function second() {
    app.panels.tick();
    app.content.tick();
    app.controls.tick();
    app.title.tick();
    app.strips.tick();
  }

  function start() {
    siblings();
    chrome();
    app.view.onChange(changed);
    app.theme.onChange(app.panels.redraw);
    app.theme.onChange(function (name) { app.shell.setProps("mantine", { forceColorScheme: name }); });
    app.socket.onChange(function () { app.controls.moment(); app.strips.tick(); });
    app.router.start();
    app.composed.draw();
    if (!app.plotlyTraces) requestAnimationFrame(app.figures.load);
    setInterval(second, 1000);
  }

  /** The socket opens while Dash and its libraries are still on their way: the first data are there when the panels are. */
  function connect() {
    app.socket.on("hello", app.view.introduced);
    app.socket.on("view", function (message) {
      app.strips.hide("error");
      app.panels.turned(message.accounts, !app.view.effective.accounts.length && message.accounts.length > 0);
      app.view.settled(message);
    });
    app.socket.on("update", app.panels.received);
    app.socket.on("pages", app.composed.told);
    app.socket.on("refused", app.panels.refused);
    app.socket.on("note", app.view.noted);
    app.socket.on("error", function (message) {
      if (message.parts) app.view.meaningless(message.parts);
      else app.strips.show("error", "warn", "Not possible", message.message);
    });
    app.panels.foreseen(app.router.panelsHere());
    app.socket.open();
  }

  var templates = app.figures.ready();
  Promise.resolve().then(connect); // when the scripts after this one, which are in the same file, have run
  if (app.plotlyTraces) document.addEventListener("DOMContentLoaded", app.figures.load); // what is deferred has run by then
  (function whenDrawn() {
    var ready = document.getElementById("page") && window.dash_clientside && window.dash_clientside.set_props;
    if (ready) templates.then(start); else setTimeout(whenDrawn, 10);
  })();
})(window.aiTrader);

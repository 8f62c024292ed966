/* Shortcuts: only those that work here, and the list of them. */
(function (app) {
  "use strict";
  var going = 0;

  function typing(target) { return target.closest && target.closest("input, textarea, select, [contenteditable]"); }
  function pages() { return app.router.pages().filter(function (page) { return page.key; }); }

  function go(key) {
    var page = pages().find(function (each) { return each.key === key; });
    if (page) app.router.go(page);
    return Boolean(page);
  }

  var KEYS = {
    "?": function () { app.keyboard.help(); },
    "[": function () { app.controls.stepRange(-1); },
    "]": function () { app.controls.stepRange(1); },
    l: function () { app.controls.live(); },
    t: function () { app.controls.theme(); },
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "Escape") {
      if (document.querySelector(":popover-open")) return; // the browser closes it
      if (app.drawer.isOpen) app.drawer.close(); else if (!app.options.close()) app.panelMenu.leave();
      return;
    }
    if (going && performance.now() - going < 1500) { going = 0; if (go(event.key)) event.preventDefault(); return; }
    if (event.key === "g") { going = performance.now(); return; }
    if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
  });

  app.keyboard = {
    help: function () {
      var rows = [[["?"], "this list"], [["[", "]"], "shorter or longer range"], [["l"], "back to live"], [["t"], "light or dark"], [["Esc"], "close, leave full screen"]];
      rows = rows.concat(pages().map(function (page) { return [["g", page.key], page.name]; }));
      var list = app.shell.element("dl", {}, rows.reduce(function (all, row) {
        return all.concat([
          app.shell.element("dt", {}, row[0].map(function (key) { return app.shell.element("kbd", {}, key); })),
          app.shell.element("dd", {}, row[1]),
        ]);
      }, []));
      app.menu.dialog("Keyboard shortcuts", [list]);
    },
  };
})(window.aiTrader);

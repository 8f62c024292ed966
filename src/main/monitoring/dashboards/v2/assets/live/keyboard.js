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
    "/": function () { app.palette.open(); },
    l: function () { app.moment.live(); },
    t: function () { app.controls.theme(); },
    d: function () { app.density.toggle(); },
  };

  /** Arrows are a step in time where nothing under the focus has a use for them. */
  function stepped(event) {
    var step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], target = event.target;
    if (!step || event.defaultPrevented || event.shiftKey || document.querySelector(":popover-open")) return false;
    var own = target.closest && target.closest('[role="radiogroup"], [role="menu"], [role="grid"], [role="listbox"], [role="region"], .chart, summary, .ag-root-wrapper');
    if (own) return false;
    event.preventDefault();
    app.moment.step(step);
    return true;
  }

  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") { event.preventDefault(); app.palette.open(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "Escape") {
      if (document.querySelector(":popover-open")) return; // the browser closes it
      if (app.drawer.isOpen) app.drawer.close(); else if (!(app.options.close && app.options.close())) app.panelMenu.leave();
      return;
    }
    if (going && performance.now() - going < 1500) { going = 0; if (go(event.key)) event.preventDefault(); return; }
    if (event.key === "g") { going = performance.now(); return; }
    if (stepped(event)) return;
    if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
  });

  app.keyboard = {
    help: function () {
      var rows = [[["?"], "this list"], [["/"], "go to or do (also Ctrl K)"], [["[", "]"], "shorter or longer range"], [["←", "→"], "one step back or forth in time"], [["l"], "back to live"],
        [["t"], "light or dark"], [["d"], "compact or normal rows"], [["Esc"], "close, leave full screen"]];
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

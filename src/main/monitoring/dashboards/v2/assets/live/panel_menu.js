/* What a panel's title opens, and the buttons inside panels. */
(function (app) {
  "use strict";

  function section(name) { return document.getElementById("panel-" + name); }

  function full(name) {
    var panel = section(name), on = !panel.classList.contains("panel-full");
    document.querySelectorAll(".panel-full").forEach(function (other) { other.classList.remove("panel-full"); });
    panel.classList.toggle("panel-full", on);
    window.dispatchEvent(new Event("resize"));
  }

  function copy(text, done) {
    if (!navigator.clipboard) { app.shell.toast("This browser lets only secure pages copy"); return; }
    navigator.clipboard.writeText(text).then(function () { app.shell.toast(done); }, function () { app.shell.toast("The browser refused to copy"); });
  }

  function definition(name) {
    var panel = app.shell.config.panels[name];
    var parts = panel.reads.map(function (read) {
      return app.shell.element("div", { class: "menu-note" }, read.title + (read.unit ? " (" + read.unit + ")" : "") + "\n"
        + read.description + (read.formula ? "\n" + read.formula : ""));
    });
    app.menu.dialog(panel.title, parts);
  }

  function csv(name) {
    var asks = app.rows.asked(name);
    return asks.map(function (ask) {
      return app.menu.item("CSV" + (asks.length > 1 ? ": " + app.rows.title(name, ask) : ""), { icon: "download" }, function () { app.rows.csv(ask); });
    });
  }

  function open(button) {
    var name = button.dataset.panel, isFull = section(name).classList.contains("panel-full");
    var hasChart = Boolean(app.figures.plotOf("graph-" + name));
    app.menu.open(button, "Panel", [
      app.menu.item(isFull ? "Leave full screen" : "Full screen", { icon: isFull ? "minimize-2" : "maximize-2" }, function () { full(name); }),
      app.menu.item("Rows behind this", { icon: "table-2" }, function () { app.rows.show(name); }),
      app.menu.item("Copy link to this panel", { icon: "link" }, function () {
        copy(location.origin + location.pathname + location.search + "#panel-" + name, "Link copied");
      }),
      app.menu.line(),
    ].concat(csv(name), hasChart ? [app.menu.item("PNG of the chart", { icon: "chart-line" }, function () { app.rows.png(name); })] : [], [
      app.menu.line(),
      app.menu.item("What this shows", { icon: "book-open" }, function () { definition(name); }),
    ]));
  }

  document.addEventListener("click", function (event) {
    var action = event.target.closest("[data-action]");
    if (!action) return;
    var notice = action.closest(".notice");
    if (action.dataset.action === "panel-menu") open(action);
    if (action.dataset.action === "retry") { app.socket.again(); app.shell.toast("Trying again"); }
    if (action.dataset.action === "live") app.view.set({ as_of: null, known_at: null });
    if (action.dataset.action === "range") app.controls.range(action.dataset.value);
    if (action.dataset.action === "copy") copy(action.dataset.value, "Copied");
    if (action.dataset.action === "copy-details" && notice) copy(notice.querySelector("[data-details]").textContent, "Details copied");
  });

  app.panelMenu = {
    copy: copy,
    /** Leave full screen; tells whether there was one. */
    leave: function () {
      var panel = document.querySelector(".panel-full");
      if (panel) full(panel.dataset.panel);
      return Boolean(panel);
    },
  };
})(window.aiTrader);

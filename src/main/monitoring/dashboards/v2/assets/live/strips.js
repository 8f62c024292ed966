/* The lines above the panels: looking at the past, a lost connection, what the server has to say. */
(function (app) {
  "use strict";
  var ICONS = { info: "info", warn: "triangle-alert", critical: "triangle-alert" };

  function strip(id) { return document.getElementById("strip-" + id); }

  app.strips = {
    /** Show one line; a line of the same id is replaced, and left alone when it says the same. */
    show: function (id, tone, title, words, button) {
      var holder = document.getElementById("strips"), old = strip(id);
      if (!holder) return;
      var said = title + "|" + words;
      if (old && old.dataset.said === said) return;
      var node = app.shell.element("div", {
        id: "strip-" + id, class: "strip strip-" + tone, role: tone === "critical" ? "alert" : "status", "data-said": said,
      }, [app.shell.icon(id === "lost" ? "wifi-off" : ICONS[tone]),
        app.shell.element("b", {}, title), app.shell.element("span", {}, words), button]);
      if (old) old.replaceWith(node); else holder.append(node);
    },
    hide: function (id) { var old = strip(id); if (old) old.remove(); },
    draw: function () {
      app.moment.strip();
      var out = app.view.leftOut;
      if (out.length) app.strips.show("address", "warn", "Left out of the address", out.join(" · ")); else app.strips.hide("address");
      if (app.view.effective.note) app.strips.show("note", "info", "Accounts", app.view.effective.note); else app.strips.hide("note");
    },
    tick: function () {
      var lost = app.socket.lostFor();
      if (lost) app.strips.show("lost", "warn", "Connection to the dashboard lost, retrying", "values on this page grow old meanwhile");
      else app.strips.hide("lost");
    },
  };
})(window.aiTrader);

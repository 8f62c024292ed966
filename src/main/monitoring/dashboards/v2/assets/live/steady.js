/* Columns that stand still: a table keeps the widths it was first drawn with, as long as all of it fits in them. */
(function (app) {
  "use strict";

  function heads(table) { return Array.prototype.slice.call(table.querySelectorAll("thead th")); }
  function release(table) { heads(table).forEach(function (head) { head.style.minWidth = ""; }); table.held = null; }

  function holds(table) {
    var room = table.parentElement.clientWidth, held = table.held;
    return held && held.room === room && held.columns === heads(table).length && (held.wide || table.offsetWidth <= room + 1);
  }

  function hold(table, widths) {
    heads(table).forEach(function (head, at) { head.style.minWidth = widths[at] + "px"; });
  }

  function all() { return Array.prototype.slice.call(document.querySelectorAll("#page .panel-content .table")); }

  app.steady = {
    /** To be called when content was written; measures only what is new, or no longer fits. */
    tables: function () {
      var loose = all().filter(function (table) { return !holds(table); });
      loose.forEach(release);
      // Read everything before anything is written: one layout, however many tables.
      var measured = loose.map(function (table) {
        var room = table.parentElement.clientWidth;
        table.held = { room: room, columns: heads(table).length, wide: table.offsetWidth > room + 1 };
        return heads(table).map(function (head) { return head.getBoundingClientRect().width; });
      });
      loose.forEach(function (table, at) { hold(table, measured[at]); });
    },
  };
  window.addEventListener("resize", function () { all().forEach(release); app.steady.tables(); });
})(window.aiTrader);

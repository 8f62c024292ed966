/* The wallboard: a clock that is read from afar, and the accounts of the address. */
(function (app) {
  "use strict";

  function tick() {
    var clock = document.getElementById("wall-clock");
    if (!clock) return;
    var words = app.writing.clock(app.controls.clockTime(), app.view.zone) + " " + app.writing.zoneName(app.view.zone);
    if (clock.textContent !== words) clock.textContent = words;
    var away = app.socket.lostFor() > 0;
    if (clock.classList.contains("wall-clock-lost") !== away) clock.classList.toggle("wall-clock-lost", away);
  }

  // Nobody stands there to press what a chart offers.
  if (app.shell.config.dashboard === "monitoring") app.figures.CONFIG.displayModeBar = false;
  setInterval(tick, 1000);
})(window.aiTrader);

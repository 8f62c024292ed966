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

  setInterval(tick, 1000);
})(window.aiTrader);

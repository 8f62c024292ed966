/* The one socket of the page: it comes back by itself, and says what is looked at each time it does. */
(function (app) {
  "use strict";
  var SHORTEST = 500, LONGEST = 5000, SILENCE = 5000, BEAT = 20000, DEAF = 50000;
  var socket = null, failures = 0, lostSince = null, heard = 0, timer = null, asked = null;
  var handlers = {};
  var watchers = [];

  function address() { return (location.protocol === "https:" ? "wss://" : "ws://") + location.host + "/ws"; }
  function tell() { watchers.forEach(function (watcher) { watcher(); }); }

  function open() {
    timer = null;
    socket = new WebSocket(address());
    socket.onopen = function () {
      failures = 0;
      heard = performance.now();
      if (asked) socket.send(asked);
    };
    socket.onmessage = function (event) {
      heard = performance.now();
      if (lostSince !== null) { lostSince = null; tell(); }
      var message = JSON.parse(event.data);
      if (message.now) app.shell.heard(message.now);
      if (handlers[message.type]) handlers[message.type](message);
    };
    socket.onclose = function (event) {
      socket = null;
      if (lostSince === null) { lostSince = performance.now(); }
      if (event.code === 4401) { location.reload(); return; }
      if (event.code === 4403) { app.strips.show("refused", "critical", "Refused", event.reason || "This server refuses the connection."); return; }
      tell();
      var limit = Math.min(LONGEST, SHORTEST * Math.pow(2, failures++));
      // Jitter: a restarted dashboard is not met by all its pages in the same millisecond.
      timer = setTimeout(open, limit / 2 + Math.random() * limit / 2);
    };
  }

  setInterval(function () {
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    if (performance.now() - heard > DEAF) socket.close();
    else if (performance.now() - heard > BEAT) socket.send('{"type":"ping"}');
  }, 5000);

  app.socket = {
    open: open,
    /** Ask for panels of a view; replaces what was asked before, and is repeated after every reconnection. */
    subscribe: function (view, panels) {
      var message = JSON.stringify({ type: "subscribe", view: view, panels: panels });
      if (message === asked) return;
      asked = message;
      if (socket && socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    on: function (type, handler) { handlers[type] = handler; },
    /** Ask everything again, as after "Try again". */
    again: function () {
      if (socket && socket.readyState === WebSocket.OPEN && asked) {
        var message = JSON.parse(asked);
        socket.send(JSON.stringify({ type: "subscribe", view: message.view, panels: [] }));
        socket.send(asked);
      } else if (!socket && timer) { clearTimeout(timer); open(); }
    },
    get connected() { return lostSince === null && Boolean(socket) && socket.readyState === WebSocket.OPEN; },
    /** For how long the server has not been heard, once that is long enough to say so; else 0. */
    lostFor: function () {
      var lost = lostSince === null ? 0 : performance.now() - lostSince;
      return lost > SILENCE ? lost : 0;
    },
    onChange: function (watcher) { watchers.push(watcher); },
  };
})(window.aiTrader);

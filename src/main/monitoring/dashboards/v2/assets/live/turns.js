/* Whose turn it is: charts are drawn after what is written, one a frame, and each the less often the longer it takes. */
(function (app) {
  "use strict";
  var REST = 3;       // times as long as it took a chart rests: a quarter of the time at most is spent on it
  var SOON = 100;     // milliseconds for which a chart lets everything else go first
  var SELDOM = 5000;  // milliseconds between two drawings of a chart that is out of sight
  var waiting = {};   // by name: how to draw it
  var past = {};      // by name: { end, took } of the last time
  var seen = {};      // names of panels in sight
  var free = 0;       // the moment until which the last one leaves the page to others
  var timer = 0, planned = false, observer = null;

  function due(name) {
    var last = past[name];
    return last ? Math.max(free, last.end + (seen[name] === false ? SELDOM : REST * last.took)) : free;
  }

  function run(name) {
    var draw = waiting[name], began = performance.now();
    delete waiting[name];
    try { draw(); } catch (error) { console.error("chart " + name, error); }
    var end = performance.now();
    past[name] = { end: end, took: end - began };
    free = end + end - began;
  }

  function next() {
    clearTimeout(timer);
    var name = Object.keys(waiting).sort(function (one, other) { return due(one) - due(other); })[0];
    if (name === undefined) return;
    var wait = due(name) - performance.now();
    if (wait > 0) { timer = setTimeout(next, wait); return; }
    run(name);
    plan();
  }

  /** When there is nothing better to do, but soon. */
  function idle(then) { if (window.requestIdleCallback) requestIdleCallback(then, { timeout: SOON }); else setTimeout(then, 0); }

  /** Behind the next frame: what was written is on the screen by then. */
  function plan() {
    if (planned) return;
    planned = true;
    requestAnimationFrame(function () { idle(function () { planned = false; next(); }); });
  }

  app.turns = {
    /** Draw a chart when its turn comes, once, however often that is asked until then; at once what the viewer waits for. */
    take: function (name, draw, isWaitedFor) {
      waiting[name] = draw;
      if (isWaitedFor) run(name); else plan();
    },
    /** These are the panels of the page now. */
    watch: function (sections) {
      if (observer) observer.disconnect();
      waiting = {};
      seen = {};
      observer = new IntersectionObserver(function (entries) {
        entries.forEach(function (entry) { seen[entry.target.dataset.panel] = entry.isIntersecting; });
        plan();
      });
      sections.forEach(function (section) { observer.observe(section); });
    },
  };
})(window.aiTrader);

/* A callback that fails: Dash keeps what the page showed before and says nothing, so the line above the panels does. */
(function (app) {
  "use strict";
  var ask = window.fetch, failing = {};

  function output(options) {
    try { return String(JSON.parse(options.body).output); } catch (error) { return ""; }
  }

  function tell() {
    var names = Object.keys(failing), last = names[names.length - 1];
    if (!names.length) app.strips.hide("callback");
    else app.strips.show("callback", "warn", "Not updated: " + names.join(", "), failing[last]);
  }

  function heard(name, answer) {
    delete failing[name];
    if (answer.status < 500) { tell(); return; }
    answer.clone().json().then(function (problem) {
      var id = problem.request_id ? " (request " + problem.request_id + ")" : "";
      failing[name] = (problem.detail || "the server failed") + id;
      tell();
    }, function () { failing[name] = "the server failed"; tell(); });
  }

  window.fetch = function (resource, options) {
    var asked = ask.apply(window, arguments), address = String((resource && resource.url) || resource);
    if (address.indexOf("_dash-update-component") >= 0)
      asked.then(function (answer) { heard(output(options), answer); }, function () { /* Dash reports a lost connection */ });
    return asked;
  };
})(window.aiTrader);

/* Taking on an alert: asked of the server; that it is taken comes back to every page by itself. */
(function (app) {
  "use strict";
  var PATIENCE = 15000;

  function failed(button, words) {
    button.disabled = false;
    app.shell.toast("Not acknowledged: " + words);
  }

  function take(button) {
    button.disabled = true;
    fetch("/api/alerts/acknowledge", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ alert_id: button.dataset.alert }),
      signal: AbortSignal.timeout(PATIENCE),
    }).then(function (answer) {
      return answer.json().then(function (said) {
        if (!answer.ok) { failed(button, said.detail || said.title || "the server refused"); return; }
        app.shell.announce("Acknowledged");
      });
    }).catch(function () { failed(button, "the server did not answer"); });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest('[data-action="acknowledge"]');
    if (button && !button.disabled) take(button);
  });
})(window.aiTrader);

/* The navigation on a phone: a drawer over the page. */
(function (app) {
  "use strict";
  function set(open) {
    var root = document.documentElement, button = document.getElementById("menu-button");
    if (open) root.setAttribute("data-drawer", "open"); else root.removeAttribute("data-drawer");
    if (button) button.setAttribute("aria-expanded", String(open));
    if (open) { var link = document.querySelector("#navigation a"); if (link) link.focus(); }
  }
  app.drawer = {
    get isOpen() { return document.documentElement.hasAttribute("data-drawer"); },
    close: function () { if (app.drawer.isOpen) set(false); },
  };
  document.addEventListener("click", function (event) {
    var action = event.target.closest("[data-action]");
    if (action && action.dataset.action === "open-drawer") set(true);
    if (action && action.dataset.action === "close-drawer") set(false);
  });
})(window.aiTrader);

/* What the server told this page, the server's clock, and small tools to build elements with. */
(function (app) {
  "use strict";
  var config = null;
  var serverMilliseconds = Date.now();
  var heardAt = performance.now();

  app.shell = {
    /** The configuration that the server wrote at the beginning of our scripts. */
    get config() {
      if (!config) config = JSON.parse(window.aiTraderShell);
      return config;
    },
    /** Take the server's time from a message; ages never trust the browser's own clock. */
    heard: function (iso) {
      var time = Date.parse(iso);
      if (!isNaN(time)) { serverMilliseconds = time; heardAt = performance.now(); }
    },
    /** The server's time now, in milliseconds since 1970. */
    now: function () { return serverMilliseconds + performance.now() - heardAt; },
    /** Hand properties to a Dash component; nothing happens while it is not on the page. */
    setProps: function (id, props) {
      if (!document.getElementById(id) || !window.dash_clientside || !window.dash_clientside.set_props) return false;
      window.dash_clientside.set_props(id, props);
      return true;
    },
    /** Build an element: text is never parsed as HTML. */
    element: function (tag, attributes, children) {
      var node = document.createElement(tag);
      Object.keys(attributes || {}).forEach(function (name) {
        var value = attributes[name];
        if (value === null || value === undefined || value === false) return;
        if (name.slice(0, 2) === "on") node.addEventListener(name.slice(2), value);
        else node.setAttribute(name, value === true ? "" : value);
      });
      [].concat(children === undefined || children === null ? [] : children).forEach(function (child) {
        if (child !== null && child !== undefined && child !== "") node.append(child);
      });
      return node;
    },
    icon: function (name) { return app.shell.element("span", { class: "icon icon-" + name, "aria-hidden": "true" }); },
    /** Tell those who do not see the page. */
    announce: function (words) {
      var line = document.getElementById("announcer");
      if (line) line.textContent = words;
    },
    toast: function (words) {
      var note = app.shell.element("div", { class: "toast", role: "status" }, words);
      document.body.append(note);
      setTimeout(function () { note.remove(); }, 2500);
    },
  };
})(window.aiTrader);

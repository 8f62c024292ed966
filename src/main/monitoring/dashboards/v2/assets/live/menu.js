/* Menus and dialogs: native popovers, which close by Esc and by a click outside, placed below what opened them. */
(function (app) {
  "use strict";
  var open = null;

  function place(menu, opener) {
    var box = opener.getBoundingClientRect();
    var left = Math.min(box.left, innerWidth - menu.offsetWidth - 12);
    var below = box.bottom + 6;
    var top = below + menu.offsetHeight > innerHeight - 8 ? Math.max(8, box.top - menu.offsetHeight - 6) : below;
    menu.style.left = Math.max(12, left) + "px";
    menu.style.top = top + "px";
  }

  function items(menu) { return Array.prototype.slice.call(menu.querySelectorAll(".menu-item")); }

  function arrows(event) {
    var all = items(event.currentTarget), at = all.indexOf(document.activeElement);
    var to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all.length || event.target.tagName === "INPUT") return;
    event.preventDefault();
    all[(to + all.length) % all.length].focus();
  }

  app.menu = {
    /** Open a menu of nodes below `opener`. */
    open: function (opener, label, children) {
      if (open) { var same = open.opener === opener; app.menu.close(); if (same) return; }
      // What holds fields beside its choices is no menu but has them: a menu may have nothing else.
      var mixed = children.some(function (child) { return child.matches(".menu-group, .menu-form, .menu-search, .menu-list"); });
      var menu = app.shell.element("div", { class: "menu", popover: "auto", role: mixed ? "dialog" : "menu", "aria-label": label }, children);
      document.body.append(menu);
      if (opener.hasAttribute("aria-haspopup")) opener.setAttribute("aria-expanded", "true");
      open = { menu: menu, opener: opener };
      menu.addEventListener("toggle", function (event) {
        if (event.newState !== "closed") return;
        if (opener.hasAttribute("aria-haspopup")) opener.setAttribute("aria-expanded", "false");
        if (menu.contains(document.activeElement) || document.activeElement === document.body) opener.focus();
        menu.remove();
        if (open && open.menu === menu) open = null;
      });
      menu.addEventListener("keydown", arrows);
      menu.showPopover();
      place(menu, opener);
      var first = menu.querySelector('[aria-checked="true"]') || items(menu)[0] || menu.querySelector("input");
      if (first) first.focus();
    },
    close: function () { if (open) { var menu = open.menu; if (menu.matches(":popover-open")) menu.hidePopover(); } },
    /** One line of a menu; `checked` undefined means that it does something, else that it is a choice. */
    item: function (words, options, act) {
      var choice = options.checked !== undefined;
      var attributes = { class: "menu-item", type: "button", role: !choice ? "menuitem" : options.many ? "menuitemcheckbox" : "menuitemradio" };
      if (choice) attributes["aria-checked"] = String(options.checked);
      var icon = choice ? app.shell.icon("check") : options.icon ? app.shell.icon(options.icon) : null;
      var node = app.shell.element("button", attributes, [icon, app.shell.element("span", {}, words), options.aside]);
      node.addEventListener("click", function () { if (!options.many) app.menu.close(); act(node); });
      return node;
    },
    line: function () { return app.shell.element("div", { class: "menu-line", role: "separator" }); },
    /** Choices inside a menu that holds something else too. */
    group: function (label, children) { return app.shell.element("div", { class: "menu-group", role: "menu", "aria-label": label }, children); },
    note: function (words) { return app.shell.element("div", { class: "menu-note" }, words); },
    /** Open a dialog in the middle of the page. */
    dialog: function (title, children) {
      app.menu.close();
      var node = app.shell.element("div", { class: "dialog", popover: "auto", role: "dialog", "aria-label": title, tabindex: "-1" },
        [app.shell.element("h2", {}, title)].concat(children));
      document.body.append(node);
      node.addEventListener("toggle", function (event) { if (event.newState === "closed") node.remove(); });
      node.showPopover();
      node.focus();
      return node;
    },
  };
  window.addEventListener("resize", function () { if (open) place(open.menu, open.opener); });
})(window.aiTrader);

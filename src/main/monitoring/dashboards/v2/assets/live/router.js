/* Which page is shown: paths, not requests. All pages came with the first answer. */
(function (app) {
  "use strict";
  var current = null;

  function pages() { return app.shell.config.pages.concat(app.shell.config.tabs, app.composed.pages()); }
  function find(path) {
    var wanted = path.replace(/\/+$/, "") || app.shell.config.pages[0].address;
    return app.composed.find(wanted) || pages().find(function (page) { return page.address === wanted; }) || null;
  }

  function mark(page) {
    document.querySelectorAll("[data-page]").forEach(function (link) {
      if (link.dataset.page === page.slug) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    });
    document.getElementById("page-name").textContent = page.name;
    document.getElementById("phone-name").textContent = page.name;
    document.title = page.name + " · AI Trader";
  }

  function reveal(id) {
    var panel = id && document.getElementById(id), title = panel && panel.querySelector(".panel-title");
    if (!panel) return;
    panel.scrollIntoView();
    if (!title) return;
    title.focus({ preventScroll: true });
    // The browser looks for the link's target by itself until all is loaded, and takes the focus away from whatever is in it.
    if (document.readyState !== "complete") window.addEventListener("load", function () {
      requestAnimationFrame(function () { if (document.activeElement === document.body) title.focus({ preventScroll: true }); });
    }, { once: true });
  }

  function show(page) {
    if (current === page) return;
    current = page;
    mark(page);
    app.controls.draw(); // each page has its own range where the viewer has chosen none
    app.shell.config.tabs.forEach(function (tab) {
      var section = document.getElementById("tab-" + tab.slug);
      if (section) section.hidden = tab !== page;
    });
    app.composed.shown(page);
    if (app.composed.ready(page)) mount(page);
    else { app.panels.shown([]); app.composed.load(page, function () { if (current === page) mount(page); }); }
    window.dispatchEvent(new Event("resize")); // charts of a tab that was hidden had no size
    app.drawer.close();
  }

  function mount(page) {
    app.shell.setProps("page", { children: page.layout || null });
    var names = page.panels || [];
    present(names.length ? "panel-" + names[0] : "", function () {
      if (current !== page) return;
      app.panels.shown(names);
      reveal(location.hash.slice(1)); // a link to one panel: it was not there when the browser looked for it
    });
  }

  /** Dash mounts the page in its own time: hear of it when an element is there, or after two seconds all the same. */
  function present(id, then) {
    if (!id || document.getElementById(id)) { then(); return; }
    var watcher = new MutationObserver(function () { if (document.getElementById(id)) done(); });
    var patience = setTimeout(done, 2000);
    function done() { watcher.disconnect(); clearTimeout(patience); then(); }
    watcher.observe(document.getElementById("page"), { childList: true, subtree: true });
  }

  app.router = {
    get current() { return current; },
    /** The page that the address names. */
    here: function () { return find(location.pathname) || app.shell.config.pages[0]; },
    pages: pages,
    /** The names of the panels of the page that the address names. */
    panelsHere: function () { return app.router.here().panels || []; },
    start: function () { show(app.router.here()); },
    /** The page called so, or undefined. */
    named: function (name) { return pages().find(function (page) { return page.name === name; }); },
    /** Go to a page; the view stays as it is, but for `changes` of it. */
    go: function (page, changes) {
      var query = new URLSearchParams(location.search), other = page !== current;
      if (!other && !changes) { app.drawer.close(); return; }
      Object.keys(changes || {}).forEach(function (name) { if (changes[name] === null) query.delete(name); else query.set(name, changes[name]); });
      // A composed page begins as it was saved, whatever was chosen elsewhere.
      if (other && page.composed) Array.from(query.keys()).forEach(function (name) { if (name.indexOf(".") > 0) query.delete(name); });
      var text = changes || page.composed ? query.toString() : location.search.slice(1);
      history.pushState(null, "", page.address + (text ? "?" + text : ""));
      if (other) {
        show(page);
        app.shell.announce(page.name);
        document.getElementById("content").scrollIntoView();
      } else { (page.panels || []).forEach(app.options.draw); }
      if (changes) app.view.moved();
    },
    /** Go to a panel, on whatever page it is; the focus goes to its title. */
    goPanel: function (page, name) {
      var address = page.address + location.search + "#panel-" + name;
      if (page !== current) { history.pushState(null, "", address); show(page); app.shell.announce(page.name); return; }
      history.replaceState(null, "", address);
      reveal("panel-" + name);
    },
  };

  document.addEventListener("click", function (event) {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    var link = event.target.closest("a[data-page]");
    var page = link && pages().find(function (each) { return each.slug === link.dataset.page; });
    if (page) { event.preventDefault(); app.router.go(page); }
  });
  window.addEventListener("popstate", function () {
    var page = find(location.pathname);
    if (page) show(page);
    app.view.moved();
  });
})(window.aiTrader);

/* Composed pages: which there are, their entries in the navigation, and their panels, fetched when a page is shown. */
(function (app) {
  "use strict";
  var BASE = "/pages/", AGAIN = 3000;
  var stored = null, trouble = ""; // as the server last told them; null: not yet
  var made = {};                   // page objects by what they show: the router knows a page by its object

  function element() { return app.shell.element.apply(null, arguments); }
  function fromFile() { return (app.shell.config.composed || []).map(function (each) { return Object.assign({ origin: "file" }, each); }); }

  /** Every page there is, those of the configuration file before stored ones of the same name. */
  function all() {
    var files = fromFile(), names = files.map(function (each) { return each.page; });
    return files.concat((stored || []).filter(function (each) { return names.indexOf(each.page) < 0; })).sort(function (one, other) {
      return one.place - other.place || (one.title < other.title ? -1 : 1);
    });
  }

  function documentOf(name) { return all().find(function (each) { return each.page === name; }); }

  /** The names by which the panels of a page are known on it: the second of one name is NAME~2. */
  function instances(panels) {
    var count = {};
    return panels.map(function (each) {
      count[each.panel] = (count[each.panel] || 0) + 1;
      return each.panel + (count[each.panel] > 1 ? "~" + count[each.panel] : "");
    });
  }

  function once(key, make) { if (!made[key]) made[key] = make(); return made[key]; }

  function pageOf(doc) {
    return once("page " + JSON.stringify(doc), function () {
      return { name: doc.title, slug: "pages-" + doc.page, address: BASE + doc.page, key: "", window: "", composed: doc, panels: [] };
    });
  }

  function composing(address, doc) {
    return once("compose " + address, function () {
      var slug = address.slice(1).replace(/\//g, "-"); // an id of its own: the composer shown before may still be there
      return {
        name: doc ? "Edit: " + doc.title : "New page", slug: slug, address: address, key: "", window: "", panels: [],
        compose: { doc: doc || null },
        layout: { type: "Div", namespace: "dash_html_components", props: { id: "composer-" + slug, className: "composer" } },
      };
    });
  }

  function absent(address) {
    var waiting = stored === null;
    var why = trouble || "The page is being looked for.";
    return once("absent " + address + waiting + why, function () {
      return {
        name: waiting ? "Composed page" : "No such page", slug: "pages", address: address, key: "", window: "", panels: [],
        layout: waiting ? app.content.notice("layout-dashboard", "Not read yet", why)
          : app.content.notice("layout-dashboard", "This page is not there", "It was taken away or its name is another. The navigation lists those that there are."),
      };
    });
  }

  function find(path) {
    if (path.indexOf(BASE) !== 0) return null;
    var parts = path.slice(BASE.length).split("/"), doc = documentOf(parts[0]);
    if (parts[0] === "new") return composing(path, null);
    if (parts[1] === "edit" && made["compose " + path]) return made["compose " + path];
    if (!doc) return absent(path);
    return parts[1] === "edit" && doc.origin !== "file" ? composing(path, doc) : pageOf(doc);
  }

  function sized(frame, width) {
    if (!width || !/ col-/.test(frame.props.className || "")) return frame;
    return Object.assign({}, frame, { props: Object.assign({}, frame.props, { className: frame.props.className.replace(/ col-\d+/, " col-" + width) }) });
  }

  function laidOut(page, answer) {
    var names = instances(page.composed.panels), there = [];
    var frames = names.map(function (name, at) {
      var each = answer.panels[name];
      if (!each.missing) { there.push(name); app.shell.config.panels[name] = app.shell.config.panels[name] || each.definition; }
      return sized(each.frame, page.composed.panels[at].width);
    });
    answer.drawers.forEach(function (name) {
      there.push(name);
      app.shell.config.panels[name] = app.shell.config.panels[name] || answer.panels[name].definition;
      frames.push(answer.panels[name].frame);
    });
    page.panels = there;
    if (!frames.length) page.layout = app.content.notice("layout-dashboard", "Nothing stands on this page yet", "Edit it to add panels.");
    else page.layout = { type: "Div", namespace: "dash_html_components", props: { className: "page-grid page-composed", children: frames } };
  }

  function load(page, done) {
    var names = instances(page.composed.panels);
    fetch("/api/panels/frames?names=" + names.map(encodeURIComponent).join(",")).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    }).then(function (answer) { laidOut(page, answer); done(); }).catch(function (error) {
      console.warn("frames", error); // the server restarts, perhaps: it is tried again while the page is shown
      setTimeout(function () { if (app.router.current === page) load(page, done); }, AGAIN);
    });
  }

  function link(page) {
    var current = app.router.current === page;
    return element("a", { class: "nav-link", href: page.address, title: page.name, "data-page": page.slug, "aria-current": current ? "page" : null }, [
      app.shell.icon("layout-dashboard"), element("span", {}, page.name),
    ]);
  }

  function here() { return all().filter(function (doc) { return doc.dashboard === app.shell.config.dashboard; }).map(pageOf); }

  function navigation() {
    var slot = document.getElementById("composed-pages");
    if (!slot) return;
    var making = composing(BASE + "new", null), fresh = link(making);
    fresh.classList.add("nav-new");
    fresh.replaceChildren(app.shell.icon("plus"), element("span", {}, "New page"));
    slot.replaceChildren(element("nav", { "aria-label": "Composed pages" }, here().map(link).concat(fresh)));
  }

  function actions(page) {
    var slot = document.getElementById("page-actions");
    if (!slot) return;
    if (!page.composed) { slot.replaceChildren(); return; }
    var isFile = page.composed.origin === "file";
    var edit = element("button", { class: "button", type: "button", onclick: function () {
      if (isFile) app.composer.copy(page.composed); else app.router.go(composing(page.address + "/edit", page.composed));
    } }, isFile ? "Copy to edit" : "Edit page");
    if (isFile) edit.title = "This page is written in the configuration file";
    var share = element("button", { class: "button", type: "button", onclick: function () { app.panelMenu.copy(location.href, "Link copied"); } }, "Copy link");
    slot.replaceChildren(edit, share);
  }

  /** Another set of pages: the one that is shown may be another, or gone. */
  function changed() {
    navigation();
    var now = app.router.current, wanted = now && find(location.pathname);
    if (now && wanted && wanted !== now) app.router.start();
  }

  app.composed = {
    BASE: BASE,
    all: all,
    find: find,
    composing: composing,
    instances: instances,
    /** The pages of this dashboard and the one that makes a new one, for the navigation and the palette. */
    pages: function () {
      if (!document.getElementById("composed-pages")) return here();
      var now = find(location.pathname); // also one of another dashboard, and one that is not there
      return here().concat([composing(BASE + "new", null)], now && here().indexOf(now) < 0 && !(now.address === BASE + "new") ? [now] : []);
    },
    /** Whether a page can be shown now; one of composed panels has to fetch their frames first. */
    ready: function (page) { return !page.composed || Boolean(page.layout); },
    load: load,
    /** The router shows another page. */
    shown: function (page) {
      actions(page);
      if (page.compose) app.composer.open(page);
    },
    /** What the page shown says of a panel's option, null where it says nothing or what is no choice (any more). */
    choice: function (name, option) {
      var page = app.router.current, doc = page && page.composed;
      var at = doc ? instances(doc.panels).indexOf(name) : -1, given = at < 0 ? undefined : doc.panels[at].options[option.name];
      var known = option.choices.some(function (choice) { return choice[0] === given; });
      return given !== undefined && (known || !option.choices.length) ? given : null;
    },
    /** The panel and the option that an element chooses: inside NAME~2 it is that one's, not NAME's. */
    chosen: function (node) {
      var parts = node.dataset.choose.split("."), holder = node.closest("[data-panel]"), inside = holder ? holder.dataset.panel : "";
      return inside.split("~")[0] === parts[0] ? [inside, parts[1]] : parts;
    },
    /** A page was saved here: it need not come back over the socket to be shown. */
    saved: function (doc) {
      stored = (stored || []).filter(function (each) { return each.page !== doc.page; }).concat(doc);
      delete made["compose " + BASE + doc.page + "/edit"];
      navigation();
      return pageOf(doc);
    },
    removed: function (name) {
      stored = (stored || []).filter(function (each) { return each.page !== name; });
      delete made["compose " + BASE + name + "/edit"];
      navigation();
    },
    forget: function (address) { delete made["compose " + address]; },
    told: function (message) {
      trouble = message.error || "";
      if (message.items) stored = message.items;
      changed();
    },
    draw: navigation,
  };
})(window.aiTrader);

/* The command palette: one field to jump to a page, a panel, an account, a symbol, a trade, and to do what a key does. */
(function (app) {
  "use strict";
  var PAUSE = 120, MOST = 8; // as many as the read names of each kind
  var open = null; // { input, list, items, at, found, number }

  function element() { return app.shell.element.apply(null, arguments); }
  function has(controls) { return app.shell.config.controls.indexOf(controls) >= 0; }

  function pages() {
    return app.router.pages().map(function (page) {
      return { group: "Pages", icon: "layout-dashboard", words: page.name, keys: page.key ? ["g", page.key] : [], act: function () { app.router.go(page); } };
    });
  }

  function panels() {
    var all = [];
    app.router.pages().forEach(function (page) {
      (page.panels || []).forEach(function (name) {
        var panel = app.shell.config.panels[name];
        if (panel.kind === "strip" || panel.kind === "drawer") return;
        all.push({ group: "Panels", icon: "chart-line", words: panel.title, aside: page.name, act: function () { app.router.goPanel(page, name); } });
      });
    });
    return all;
  }

  function accounts() {
    if (!has("accounts")) return [];
    return app.view.directory.accounts.map(function (account) {
      return {
        group: "Accounts", icon: "wallet", words: account.label || account.id, also: account.id, mode: account.mode,
        aside: account.label && account.label !== account.id ? account.id : "", act: function () { app.view.set({ accounts: account.id }); },
      };
    });
  }

  function actions() {
    var dark = app.theme.current === "dark";
    return [
      [dark ? "Light theme" : "Dark theme", "theme", dark ? "sun" : "moon", ["t"], app.controls.theme],
      [app.density.compact ? "Normal rows" : "Compact rows", "density", "table-2", ["d"], app.density.toggle],
      app.view.asOf ? ["Back to live", "now present", "clock", ["l"], app.moment.live] : null,
      ["Copy link to this view", "share address", "link", [], function () { app.panelMenu.copy(location.href, "Link copied"); }],
      ["Keyboard shortcuts", "help keys", "help", ["?"], app.keyboard.help],
    ].filter(Boolean).map(function (each) {
      return { group: "Actions", words: each[0], also: each[1], icon: each[2], keys: each[3], act: each[4] };
    });
  }

  /** Where a symbol is looked at: the Trading page's panels that can show one, else its trades. */
  function symbolAddress(symbol) {
    var page = app.router.named("Trading") || app.router.named("Trades");
    return { page: page, changes: app.options.sharedBy(page.panels || [], "symbol", symbol) };
  }

  function tradeAddress(id) {
    var page = app.router.named("Trades"), changes = { trade: id };
    (page.panels || []).forEach(function (name) {
      var panel = app.shell.config.panels[name];
      if (panel.kind === "drawer" && panel.options[0]) { changes = {}; changes[name + "." + panel.options[0].name] = id; }
    });
    return { page: page, changes: changes };
  }

  function signed(hit) {
    var pnl = Number(hit.pnl), text = Math.abs(pnl).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    return (pnl > 0 ? "+" : pnl < 0 ? "−" : "") + text + " " + hit.currency;
  }

  function hits(found) {
    return found.map(function (hit) {
      if (hit.kind === "symbol") {
        if (!app.router.named("Trading") && !app.router.named("Trades")) return null;
        return { group: "Symbols", icon: "chart-candlestick", words: hit.symbol, act: function () { var to = symbolAddress(hit.id); app.router.go(to.page, to.changes); } };
      }
      if (!app.router.named("Trades")) return null;
      var at = app.writing.moment(Date.parse(hit.exit_time), app.shell.now(), app.view.zone);
      return {
        group: "Trades", icon: "activity", words: hit.symbol + " " + hit.side + " " + signed(hit), aside: hit.label + " · " + at,
        act: function () { var to = tradeAddress(hit.id); app.router.go(to.page, to.changes); },
      };
    }).filter(Boolean);
  }

  var MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");

  function dayOf(year, month, day) {
    var at = new Date(Date.UTC(year, month, day));
    return at.getUTCMonth() === month && at.getUTCDate() === day ? at.getTime() : null;
  }

  /** The day that these words name, as its UTC midnight, or null: today, yesterday, 2026-11-19, 19.11., 19 Nov (2025). */
  function named(words) {
    var today = Date.parse(app.writing.field(app.moment.present(), app.view.zone).slice(0, 10) + "T00:00:00Z"), year = new Date(today).getUTCFullYear();
    if (/^today$/i.test(words)) return today;
    if (/^yesterday$/i.test(words)) return today - 86400000;
    var iso = /^(\d{4})-(\d\d?)-(\d\d?)$/.exec(words), dotted = /^(\d\d?)\.(\d\d?)\.(\d{4})?$/.exec(words), said = /^(\d\d?) ([a-z]{3})[a-z]*(?: (\d{4}))?$/i.exec(words);
    if (iso) return dayOf(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]));
    var month = dotted ? Number(dotted[2]) - 1 : said ? MONTHS.indexOf(said[2].toLowerCase()) : -1, parts = dotted || said;
    if (!parts || month < 0) return null;
    var at = dayOf(parts[3] ? Number(parts[3]) : year, month, Number(parts[1]));
    return at !== null && !parts[3] && at > today ? dayOf(year - 1, month, Number(parts[1])) : at; // a trade was closed in the past
  }

  /** What is typed, parted into what is looked for and the day it is of: "XLK 19 Nov". */
  function parted(text) {
    var words = text.split(/\s+/);
    for (var count = Math.min(3, words.length - 1); count > 0; count--) {
      var day = named(words.slice(-count).join(" "));
      if (day !== null) return { text: words.slice(0, -count).join(" "), day: day };
    }
    return { text: text, day: null };
  }

  function question(text) {
    var asked = parted(text), ask = "search?text=" + encodeURIComponent(asked.text);
    if (asked.day === null) return ask;
    var ends = [asked.day, asked.day + 86400000].map(function (at) { return new Date(app.writing.unfield(new Date(at).toISOString().slice(0, 19), app.view.zone)).toISOString(); });
    return ask + "&closed_from=" + encodeURIComponent(ends[0]) + "&closed_before=" + encodeURIComponent(ends[1]);
  }

  /** Every word typed has to be there; what begins with it comes first. */
  function matching(items, text) {
    var words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return items.map(function (item) {
      var within = (item.words + " " + (item.also || "") + " " + (item.aside || "")).toLowerCase();
      if (!words.every(function (word) { return within.indexOf(word) >= 0; })) return null;
      return { item: item, rank: words.length && item.words.toLowerCase().indexOf(words[0]) === 0 ? 0 : 1 };
    }).filter(Boolean).sort(function (one, other) { return one.rank - other.rank; }).map(function (each) { return each.item; });
  }

  function candidates(text) {
    var groups = text ? [pages(), hits(open.found), accounts(), panels(), actions()] : [pages(), accounts(), actions()];
    return groups.map(function (items, at) {
      var kept = at === 1 && text ? items : matching(items, text);
      return kept.slice(0, at === 1 && text ? 2 * MOST : MOST);
    }).reduce(function (all, items) { return all.concat(items); }, []);
  }

  function row(item, at) {
    var node = element("div", { id: "palette-" + at, class: "palette-item", role: "option", "aria-selected": String(at === open.at) }, [
      app.shell.icon(item.icon), element("span", { class: "palette-words" }, item.words), item.mode ? app.controls.modeChip(item.mode) : null,
      item.aside ? element("span", { class: "palette-aside" }, item.aside) : null,
      item.keys && item.keys.length ? element("span", { class: "palette-keys", "aria-hidden": "true" }, item.keys.map(function (key) { return element("kbd", {}, key); })) : null,
    ]);
    node.addEventListener("pointermove", function () { if (open.at !== at) { open.at = at; mark(false); } });
    node.addEventListener("click", function () { run(item); });
    return node;
  }

  function mark(scroll) {
    open.list.querySelectorAll(".palette-item").forEach(function (node, at) {
      node.setAttribute("aria-selected", String(at === open.at));
      if (at === open.at && scroll) node.scrollIntoView({ block: "nearest" });
    });
    if (open.items.length) open.input.setAttribute("aria-activedescendant", "palette-" + open.at);
    else open.input.removeAttribute("aria-activedescendant");
  }

  function draw() {
    var text = open.input.value.trim(), groups = [], last = null;
    open.items = candidates(text);
    open.at = Math.max(0, Math.min(open.at, open.items.length - 1));
    open.items.forEach(function (item, at) {
      if (item.group !== last) {
        last = item.group;
        groups.push(element("div", { class: "palette-group", role: "group", "aria-label": last }, [element("div", { class: "menu-caption", "aria-hidden": "true" }, last)]));
      }
      groups[groups.length - 1].append(row(item, at));
    });
    open.list.replaceChildren.apply(open.list, groups);
    open.said.textContent = open.items.length ? "" : open.asking ? "Searching …" : "Nothing is called so.";
    mark(true);
  }

  function ask() {
    var text = open.input.value.trim(), mine = ++open.number, at = open;
    clearTimeout(open.timer);
    if (!text || !has("accounts")) { open.found = []; open.asking = false; return; }
    open.asking = true;
    open.timer = setTimeout(function () {
      fetch(app.rows.address(question(text), "json")).then(function (answer) { return answer.ok ? answer.json() : { value: [] }; })
        .catch(function () { return { value: [] }; }).then(function (answer) {
          if (open !== at || at.number !== mine) return;
          open.found = answer.value || [];
          open.asking = false;
          draw();
        });
    }, PAUSE);
  }

  function run(item) {
    var node = open.node;
    open = null; // the browser tells of the closing later, and who types fast opens it again before
    node.hidePopover();
    item.act();
  }

  function keys(event) {
    var step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && open.items.length) {
      event.preventDefault();
      open.at = (open.at + step + open.items.length) % open.items.length;
      mark(true);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open.items[open.at]) run(open.items[open.at]);
    }
  }

  app.palette = {
    get isOpen() { return Boolean(open); },
    open: function () {
      if (open && open.node.matches(":popover-open")) { open.input.select(); return; }
      var wanted = has("accounts") ? "Page, panel, account, symbol, trade" : "Page, panel";
      var input = element("input", {
        class: "palette-input", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
        "aria-label": "Go to or do", placeholder: wanted + " or action", autocomplete: "off", spellcheck: "false", maxlength: "200",
      });
      var list = element("div", { id: "palette-list", class: "palette-list", role: "listbox", "aria-label": "Results" });
      var said = element("div", { class: "menu-note", role: "status" });
      var node = app.menu.dialog("Go to or do", [element("div", { class: "palette-field" }, [app.shell.icon("search"), input, element("kbd", {}, "Esc")]), list, said]);
      node.classList.add("palette");
      open = { node: node, input: input, list: list, said: said, items: [], at: 0, found: [], number: 0, asking: false };
      node.addEventListener("toggle", function (event) { if (event.newState === "closed" && open && open.node === node) open = null; });
      input.addEventListener("input", function () { open.at = 0; ask(); draw(); });
      input.addEventListener("keydown", keys);
      draw();
      input.focus();
    },
  };
})(window.aiTrader);

/* The rows behind a panel: what its reads answer for this very view, as a table, as JSON, as CSV; and its chart as PNG. */
(function (app) {
  "use strict";
  var NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 8 });
  var TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

  /** What the panel asks, each as READ or READ?PARAMETER=VALUE. */
  function asked(name) {
    var record = app.panels.record(name);
    if (record && record.rows) return record.rows;
    return app.shell.config.panels[name].reads.map(function (read) { return read.name; });
  }

  /** The address of a read in the API for the view on the page. */
  function address(ask, form) {
    var parts = ask.split("?"), query = new URLSearchParams(parts[1] || ""), view = app.view.asked();
    var accounts = app.view.effective.accounts.length ? app.view.effective.accounts : view.accounts;
    var given = { accounts: app.shell.config.controls.indexOf("accounts") < 0 ? "" : accounts.join(","), range: view.window, strategy: view.strategy, as_of: view.as_of, known_at: view.known_at };
    Object.keys(given).forEach(function (key) { if (given[key]) query.set(key, given[key]); });
    if (form !== "json") query.set("format", form);
    return "/api/reads/" + parts[0] + "?" + query.toString();
  }

  function title(name, ask) {
    var read = app.shell.config.panels[name].reads.find(function (each) { return each.name === ask.split("?")[0]; });
    return read ? read.title : ask;
  }

  function cell(value) {
    if (value === null || value === "") return app.shell.element("td", { class: "align-left muted" }, "—");
    if (typeof value === "number") return app.shell.element("td", { class: "align-right" }, NUMBER.format(value).replace("-", "−"));
    if (TIME.test(value)) return app.shell.element("td", { class: "align-left", title: value }, app.writing.full(Date.parse(value), app.view.zone));
    return app.shell.element("td", { class: "align-left" }, String(value));
  }

  function table(answer, label) {
    var element = app.shell.element, numeric = answer.columns.map(function (column, at) {
      return answer.rows.some(function (row) { return typeof row[at] === "number"; });
    });
    var head = element("tr", {}, answer.columns.map(function (name, at) {
      return element("th", { scope: "col", class: numeric[at] ? "align-right" : "align-left" }, name.replace(/_/g, " "));
    }));
    var body = answer.rows.map(function (row) { return element("tr", {}, row.map(cell)); });
    return element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label }, [
      element("table", { class: "table" }, [element("thead", {}, [head]), element("tbody", {}, body)]),
    ]);
  }

  function many(count, word) { return NUMBER.format(count) + " " + word + (count === 1 ? "" : "s"); }

  function section(name, ask) {
    var element = app.shell.element, holder = element("section", { class: "rows-behind", "aria-busy": "true" });
    var said = element("span", { class: "muted" }, "asking …");
    var links = [["Open as JSON", "json", null], ["CSV", "csv", ask.split("?")[0] + ".csv"]].map(function (each) {
      return element("a", { class: "button", href: address(ask, each[1]), target: each[2] ? null : "_blank", download: each[2], rel: "noopener" }, each[0]);
    });
    holder.append(element("header", {}, [element("h3", {}, title(name, ask)), said, element("span", { class: "buttons" }, links)]));
    fetch(address(ask, "table")).then(function (answer) { return answer.json().then(function (body) { return [answer.ok, body]; }); }).then(function (both) {
      holder.removeAttribute("aria-busy");
      if (!both[0]) { said.textContent = both[1].detail || "It could not be answered."; return; }
      var answer = both[1], shown = answer.rows.length;
      var at = answer.as_of ? " · as of " + app.writing.full(Date.parse(answer.as_of), app.view.zone) : "";
      said.textContent = (shown < answer.total ? shown + " of " : "") + many(answer.total, "row") + (answer.unit ? " · " + answer.unit : "") + at;
      holder.append(shown ? table(answer, title(name, ask)) : element("p", { class: "menu-note" }, "There is nothing in this range."));
    }).catch(function () { holder.removeAttribute("aria-busy"); said.textContent = "The dashboard did not answer."; });
    return holder;
  }

  function save(href, name) {
    var link = app.shell.element("a", { href: href, download: name, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
  }

  function stamp() { return new Date(app.view.asOf || app.shell.now()).toISOString().slice(0, 19).replace(/[:T]/g, "-"); }

  app.rows = {
    asked: asked,
    address: address,
    title: title,
    show: function (name) {
      var dialog = app.menu.dialog("Rows behind “" + app.shell.config.panels[name].title + "”", asked(name).map(function (ask) { return section(name, ask); }));
      dialog.classList.add("dialog-wide");
    },
    csv: function (ask) { save(address(ask, "csv"), ask.split("?")[0] + ".csv"); },
    /** The chart as it stands, on its theme's ground, twice as fine as the screen. */
    png: function (name) {
      var plot = app.figures.plotOf("graph-" + name);
      if (!plot || !window.Plotly) { app.shell.toast("There is no chart here"); return; }
      window.Plotly.toImage(plot, { format: "png", width: plot.clientWidth, height: plot.clientHeight, scale: 2 }).then(
        function (picture) { save(picture, name + "-" + stamp() + ".png"); },
        function () { app.shell.toast("The chart could not be drawn as a picture"); });
    },
  };
})(window.aiTrader);

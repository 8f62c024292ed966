/* The log panel: asks while it is looked at, and writes the lines itself. A line is text and never anything else. */
(function (app) {
  "use strict";
  var MOST = 1000;     // lines kept while following; then the newest page is taken anew
  var PATIENCE = 10000;
  var LONG = 1200, FOLDED = 300; // characters
  var id = function (name) { return "service_logs-" + name; };
  var at = function (name) { return document.getElementById(id(name)); };
  var state = { number: 0, list: null };
  var LEVELS = { debug: "debug", info: "info", warning: "WARN", error: "ERROR", critical: "CRITICAL" };

  function written(iso) {
    var time = Date.parse(iso), zone = app.view.zone, said = app.writing.moment(time, app.shell.now(), zone);
    return said.length === 8 ? said + "." + String(1000 + new Date(time).getUTCMilliseconds()).slice(1) : said;
  }

  function time(iso) {
    if (!iso) return app.shell.element("span", { class: "log-time", title: "this line has no time of its own" }, "—");
    return app.shell.element("time", { class: "log-time", datetime: iso, title: app.writing.full(Date.parse(iso), app.view.zone) }, written(iso));
  }

  function more(text) { return text ? app.shell.element("span", { class: "log-more" }, text) : null; }

  /** What was said; the end of a long line is folded away, for one dump must not push everything else out of sight. */
  function said(event, text, cut) {
    var element = app.shell.element, whole = event + (text ? " " + text : "");
    var left = cut ? element("span", { class: "log-cut" }, " … " + cut + " more are left out") : null;
    if (whole.length <= LONG) return [event, more(text && " " + text), left];
    var shown = Math.max(0, FOLDED - event.length), first = event.slice(0, FOLDED);
    return element("details", { class: "log-long" }, [
      element("summary", {}, [first, more(text && " " + text.slice(0, shown)), element("span", { class: "log-fold" }, "… unfold"), element("span", { class: "log-unfold" }, " fold")]),
      event.slice(FOLDED), more(text.slice(shown)), left,
    ]);
  }

  function row(line) {
    var level = LEVELS[line[3]] ? line[3] : "none", element = app.shell.element;
    return element("li", { class: "log-line log-" + level, role: "none", "data-key": line[0] }, [
      time(line[1]), element("span", { class: "log-service" }, line[2]),
      element("span", { class: "log-level" }, LEVELS[level] || "·"), element("span", { class: "log-said" }, said(line[4], line[5], line[6])),
    ]);
  }

  function note(words) { return app.shell.element("li", { class: "log-note" }, words); }

  function options(services) {
    if (JSON.stringify(services) === state.services) return;
    state.services = JSON.stringify(services);
    app.shell.setProps(id("service"), { data: services });
  }

  /** The way further back: React drops the clicks on a button that it believes disabled, so it is told. */
  function offer(words) {
    var offered = { disabled: !state.older, children: words };
    if (JSON.stringify(offered) !== state.offered) app.shell.setProps(id("older"), offered);
    state.offered = JSON.stringify(offered);
  }

  function say(answer) {
    var count = state.list.querySelectorAll(".log-line").length;
    var back = answer.searched_to ? ", back to " + app.writing.moment(Date.parse(answer.searched_to), app.shell.now(), app.view.zone) : ", to the beginning";
    var words = count + (count === 1 ? " line" : " lines") + " · searched " + answer.searched + " of " + answer.total + back;
    if (answer.mode === "newer") words = count + " lines" + (state.tail || "");
    else state.tail = words.slice(words.indexOf(" lines") < 0 ? words.indexOf(" line") + 5 : words.indexOf(" lines") + 6);
    at("said").textContent = words;
    if (state.told) { app.shell.announce(words); state.told = false; }
    if (!count) state.list.replaceChildren(note(answer.older ? "Nothing like it so far. The search may go on further back." : "Nothing like it in the logs."));
    offer(count || !answer.older ? "Older lines" : "Search further back");
  }

  function put(answer) {
    var list = state.list, rows = answer.lines.map(row);
    list.querySelectorAll(".log-note").forEach(function (other) { other.remove(); });
    if (answer.mode === "older") list.append.apply(list, rows);
    else if (answer.mode === "newer") list.prepend.apply(list, rows);
    else { list.replaceChildren.apply(list, rows); list.scrollTop = 0; }
    if (answer.mode !== "newer") { state.older = answer.older; }
    var first = list.querySelector(".log-line");
    state.newest = first && list.childElementCount <= MOST ? first.dataset.key : "";
    if (answer.mode !== "older") return;
    state.paged = true; // who reads further back does not follow
    app.shell.setProps(id("follow"), { checked: false });
  }

  function ask(tick, text, service, level, follow, older) {
    var context = window.dash_clientside.callback_context, nothing = window.dash_clientside.no_update;
    var by = (context.triggered || []).map(function (each) { return each.prop_id.split(".")[0]; });
    var view = { text: text || "", service: service || "", level: level && level !== "any" ? level : "", as_of: app.view.asOf };
    var question = JSON.stringify(view), list = at("lines");
    var other = list !== state.list || question !== state.question || (follow && state.paged);
    if (other) {
      var mounted = list === state.list; // the page was not left meanwhile
      state = { number: state.number, list: list, question: question, newest: "", told: mounted, services: mounted ? state.services : "", offered: mounted ? state.offered : "" };
    } else if (by.indexOf(id("older")) >= 0 && state.older) {
      state.told = true;
      state.asked = performance.now();
      return Object.assign(view, { before: state.older, number: ++state.number });
    } else if (document.hidden || !follow || (state.asked && performance.now() - state.asked < PATIENCE)) {
      return nothing;
    }
    state.asked = performance.now();
    return Object.assign(view, { known: state.newest, number: ++state.number });
  }

  function show(answer) {
    if (!answer || answer.number !== state.number || !state.list || !state.list.isConnected) return window.dash_clientside.no_update;
    state.asked = 0;
    if (answer.problem) { state.list.replaceChildren(note(answer.problem)); state.newest = ""; return String(answer.number); }
    options(answer.services);
    put(answer);
    say(answer);
    return String(answer.number);
  }

  function copied() {
    return Array.prototype.map.call(document.querySelectorAll("#" + id("lines") + " .log-line"), function (line) {
      return Array.prototype.map.call(line.children, function (part) { return (part.dateTime || part.textContent).replace("… unfold fold", "").trim(); }).join("  ");
    }).join("\n");
  }

  document.addEventListener("click", function (event) {
    if (!event.target.closest('[data-action="copy-log"]')) return;
    if (!navigator.clipboard) { app.shell.toast("This browser lets only secure pages copy"); return; }
    navigator.clipboard.writeText(copied()).then(function () { app.shell.toast("Lines copied"); }, function () { app.shell.toast("The browser refused to copy"); });
  });

  function zoned(what) {
    if (what !== "zone" || !state.list) return;
    state.list.querySelectorAll("time").forEach(function (node) { node.replaceWith(time(node.dateTime)); });
  }

  document.addEventListener("DOMContentLoaded", function () { app.view.onChange(zoned); }); // scripts load by name

  window.dash_clientside = Object.assign({}, window.dash_clientside, { serviceLogs: { ask: ask, show: show } });
})(window.aiTrader);

/* Content of panels on its way to Dash: times are written in the viewer's zone, charts inside it are dressed. */
(function (app) {
  "use strict";

  /** The moment that ages are told against: the one looked at, or the present of what is shown. */
  function moment() { return app.view.asOf ? Date.parse(app.view.asOf) : app.moment.present(); }

  function written(props) {
    var at = Date.parse(props.dateTime), zone = app.view.zone;
    if (isNaN(at)) return props.children;
    var kind = /time-(\w+)/.exec(props.className || "");
    if (kind && kind[1] === "age") return app.writing.duration(moment() - at);
    if (kind && kind[1] === "event") return app.writing.moment(at, app.shell.now(), zone);
    return app.writing.moment(at, app.shell.now(), zone);
  }

  /** `isNamed`: whether texts may name a range that the viewer reads otherwise. */
  function translated(node, isNamed) {
    if (Array.isArray(node)) return node.map(function (child) { return translated(child, isNamed); });
    if (typeof node === "string") return isNamed ? app.range.named(node) : node;
    if (!node || typeof node !== "object" || !node.props) return node;
    var props = Object.assign({}, node.props);
    if (node.type === "Time" && props.dateTime) {
      props.children = written(props);
      props.title = app.writing.full(Date.parse(props.dateTime), app.view.zone);
    } else if (node.type === "Graph" && props.figure) {
      props.figure = app.figures.dressed(props.figure, props.id);
    } else if (props.children !== undefined) {
      props.children = translated(props.children, isNamed);
    }
    return Object.assign({}, node, { props: props });
  }

  app.content = {
    translated: function (node) { return translated(node, app.view.window.indexOf("..") > 0); },
    /** A panel's empty state in so many words, as the server would draw it. */
    notice: function (icon, title, reason) {
      function part(type, name, children) { return { type: type, namespace: "dash_html_components", props: { className: name, children: children } }; }
      return part("Div", "notice missing", [part("Span", "icon icon-" + icon), part("Div", "notice-title", title), part("Div", "notice-reason", reason)]);
    },
    /** A chart as Dash knows it. */
    graph: function (id, figure, label) {
      return {
        type: "Div", namespace: "dash_html_components",
        props: {
          className: "chart", role: "group", "aria-label": label, tabIndex: 0,
          children: {
            type: "Graph", namespace: "dash_core_components",
            props: { id: id, figure: figure, config: app.figures.CONFIG, responsive: true, style: { height: "100%" } },
          },
        },
      };
    },
    /** Ages on the page grow without being sent again. */
    tick: function () {
      document.querySelectorAll("time.time-age").forEach(function (node) {
        var text = app.writing.duration(moment() - Date.parse(node.getAttribute("datetime")));
        // React owns the text node: its value may change, the node must stay.
        if (node.firstChild && node.firstChild.nodeValue !== text) node.firstChild.nodeValue = text;
      });
    },
  };
})(window.aiTrader);

/* Writes plain content into the page itself. By way of Dash every element costs a millisecond, at each update anew. */
(function (app) {
  "use strict";
  var PLAIN = "dash_html_components";
  var UNUSUAL = { Script: 1, Style: 1, Iframe: 1, Form: 1, Input: 1, Textarea: 1, Select: 1, ObjectEl: 1, MapEl: 1, Embed: 1 };
  var NAMES = { className: "class", dateTime: "datetime", tabIndex: "tabindex", colSpan: "colspan", rowSpan: "rowspan", htmlFor: "for" };
  var OWN = { children: 1, style: 1, key: 1 };
  var BARE = { opacity: 1, zIndex: 1, flex: 1, flexGrow: 1, flexShrink: 1, fontWeight: 1, lineHeight: 1, order: 1 };

  function list(children) {
    if (children === null || children === undefined || children === false || children === true) return [];
    return Array.isArray(children) ? [].concat.apply([], children.map(list)) : [children];
  }

  /** What has an id may belong to somebody's callback: that, and everything that is no plain element, is Dash's. */
  function plain(node) {
    if (Array.isArray(node)) return node.every(plain);
    if (node === null || typeof node !== "object") return true;
    var props = node.props || {};
    return node.namespace === PLAIN && !UNUSUAL[node.type] && props.id === undefined && plain(props.children);
  }

  function dress(element, props) {
    var before = element.given || {}, now = {};
    Object.keys(props).forEach(function (name) {
      var value = props[name];
      if (OWN[name] || /^n_clicks|^disable_n/.test(name) || value === null || value === undefined || value === false) return;
      var attribute = NAMES[name] || name;
      now[attribute] = value === true && !/^(aria|data)-/.test(name) ? "" : String(value);
    });
    Object.keys(now).forEach(function (name) { if (before[name] !== now[name]) element.setAttribute(name, now[name]); });
    Object.keys(before).forEach(function (name) { if (!(name in now)) element.removeAttribute(name); });
    element.given = now;
    var style = props.style || null, said = style && JSON.stringify(style);
    if ((element.styled || null) === said) return;
    element.removeAttribute("style");
    Object.keys(style || {}).forEach(function (name) {
      if (name.slice(0, 2) === "--") element.style.setProperty(name, style[name]);
      else element.style[name] = typeof style[name] === "number" && !BARE[name] ? style[name] + "px" : style[name];
    });
    element.styled = said;
  }

  function keyOf(child) { return (child && child.props && child.props["data-key"]) || null; }

  /** The element that was made for the same key, moved to this place: a row keeps its focus and what is unfolded in it. */
  function kept(parent, at, key) {
    for (var node = at; node; node = node.nextSibling) {
      if (node.given && node.given["data-key"] === key) {
        if (node !== at) parent.insertBefore(node, at);
        return node;
      }
    }
    return at && at.given && at.given["data-key"] ? parent.insertBefore(document.createComment(""), at) : at;
  }

  /** Remove what was made for keys that are no more: in its place it would have all that follow it moved. */
  function leave(parent, given) {
    var keys = {};
    given.forEach(function (child) { keys[keyOf(child)] = 1; });
    for (var node = parent.firstChild, next; node; node = next) {
      next = node.nextSibling;
      var key = node.given && node.given["data-key"];
      if (key && !keys[key]) node.remove();
    }
  }

  function fill(parent, children) {
    var given = list(children);
    leave(parent, given);
    var at = parent.firstChild;
    given.forEach(function (child) {
      var key = keyOf(child), node = key ? kept(parent, at, key) : at, isText = typeof child !== "object";
      at = node;
      var fits = node && (isText ? node.nodeType === Node.TEXT_NODE : node.nodeType === Node.ELEMENT_NODE && node.made === child.type);
      if (!fits) {
        node = isText ? document.createTextNode("") : document.createElement(child.type.toLowerCase());
        if (!isText) node.made = child.type;
        if (at) parent.replaceChild(node, at); else parent.append(node);
      }
      if (isText) { if (node.nodeValue !== String(child)) node.nodeValue = String(child); }
      else { dress(node, child.props || {}); fill(node, (child.props || {}).children); }
      at = node.nextSibling;
    });
    while (at) { var next = at.nextSibling; at.remove(); at = next; }
  }

  app.write = { plain: plain, fill: fill };
})(window.aiTrader);

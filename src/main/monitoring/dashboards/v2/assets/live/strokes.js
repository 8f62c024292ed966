/* Lines that went on, drawn by hand: for a last point that moved, Plotly makes a whole chart anew, at ten times the cost. */
(function (app) {
  "use strict";
  var HALF = 0.5; // of a pixel: what moves by less stands still
  var POINTS = { x: 1, y: 1, text: 1 }, RANGE = { range: 1 }, TAG = { y: 1, text: 1 };

  /** Whether two values are alike, but for members of these names. */
  function alike(before, after, but) {
    if (before === after) return true;
    if (!before || !after || typeof before !== "object" || typeof after !== "object") return false;
    var names = Object.keys(before);
    return names.length === Object.keys(after).length && names.every(function (name) {
      return name in after && ((but && but[name]) || alike(before[name], after[name]));
    });
  }

  function axisOf(plot, trace, letter) { return plot._fullLayout[letter + "axis" + (trace[letter + "axis"] || letter).slice(1)]; }

  /** Whether an axis as it is drawn is right for a range, to half a pixel. */
  function stands(axis, range) {
    return axis && range && [0, 1].every(function (end) { return Math.abs(axis.r2p(range[end]) - axis.r2p(axis.range[end])) < HALF; });
  }

  /** Whether it is known here where a trace's points are: numbers, on axes on which they stand as they are. */
  function isEven(plot, trace) {
    var across = axisOf(plot, trace, "x"), up = axisOf(plot, trace, "y");
    if (!across || !up || (across.type !== "date" && across.type !== "linear") || up.type !== "linear") return false;
    return Array.isArray(trace.x) && Array.isArray(trace.y) && trace.x.every(function (at, index) {
      var value = trace.y[index];
      return value === null || value === undefined || (Number.isFinite(value) && Number.isFinite(at));
    });
  }

  /** The places of a trace's points on its axes, in pixels; null for one that has none. */
  function places(plot, trace) {
    var across = axisOf(plot, trace, "x"), up = axisOf(plot, trace, "y"), zone = app.view.zone, isDate = across.type === "date";
    return trace.x.map(function (at, index) {
      var value = trace.y[index], x = across.l2p(isDate ? at + app.writing.offset(at, zone) : at), y = up.l2p(value);
      return Number.isFinite(value) && Number.isFinite(x) && Number.isFinite(y) ? [x, y] : null;
    });
  }

  /** Pieces of a line without the gaps between them; a point alone has no line. */
  function pieces(points) {
    var all = [[]];
    points.forEach(function (point) { if (point) all[all.length - 1].push(point); else all.push([]); });
    return all.filter(function (piece) { return piece.length > 1; });
  }

  /** Steps go across and then up; on the way back up first. */
  function path(piece, isSteps, isBack) {
    var points = isBack ? piece.slice().reverse() : piece;
    return "M" + points[0] + points.slice(1).map(function (point) {
      return !isSteps ? "L" + point : isBack ? "V" + point[1] + "H" + point[0] : "H" + point[0] + "V" + point[1];
    }).join("");
  }

  /** The outline of the area below a line, or null for one that is not known here. Gaps are bridged, as Plotly does. */
  function area(plot, trace, lines, under, isSteps) {
    var joined = lines.map(function (line) { return line.path.slice(1); }).join("L");
    if (trace.fill === "tozeroy") {
      var first = lines[0].points, last = lines[lines.length - 1].points, zero = axisOf(plot, trace, "y").l2p(0);
      return "M" + [last[last.length - 1][0], zero] + "L" + [first[0][0], zero] + "L" + joined;
    }
    return under && under.length === 1 ? "M" + joined + "L" + path(under[0], isSteps, true).slice(1) + "Z" : null;
  }

  function element(nodes, index, selector) {
    var node = nodes.find(function (each) { return each.__data__ && each.__data__[0].trace.index === index; });
    return node ? Array.prototype.slice.call(node.querySelectorAll(selector)) : [];
  }

  function filled(nodes, index, which) {
    return element(nodes, index, ".fills > g").filter(function (each) { return each.__data__ === which; }).map(function (each) { return each.firstChild; })[0];
  }

  /** What is to be written for one trace, as [element, attribute, value]; null where only Plotly can. */
  function line(plot, data, index, nodes) {
    var trace = data[index], shape = trace.line && trace.line.shape, below = data[index - 1], next = trace.fill === "tonexty";
    if (trace.type !== "scatter" || trace.mode !== "lines" || trace.stackgroup || trace.connectgaps || (shape && shape !== "hv")) return null;
    var fits = below && below.mode === "lines" && below.yaxis === trace.yaxis && (below.line || {}).shape === shape;
    if (trace.fill && trace.fill !== "tozeroy" && !(next && fits)) return null;
    if (!isEven(plot, trace) || (next && !isEven(plot, below))) return null;
    var parts = pieces(places(plot, trace)), drawn = element(nodes, index, ".lines > .js-line");
    if (!parts.length || !drawn.length) return null;
    var lines = parts.map(function (piece) { return { points: piece, path: path(piece, shape === "hv") }; });
    var all = lines.map(function (each) { return each.path; }).join("");
    var writes = drawn.map(function (node, at) { return [node, "d", at ? "M0,0" : all]; });
    if (!trace.fill) return writes;
    var outline = area(plot, trace, lines, next && pieces(places(plot, below)), shape === "hv");
    var fill = filled(nodes, next ? index - 1 : index, next ? "_nextFill" : "_ownFill");
    return outline && fill ? writes.concat([[fill, "d", outline]]) : null;
  }

  /** Whether marked points, or the ends of bars, stand where they did, with the same words. */
  function rests(plot, before, after) {
    var isBars = after.type === "bar" && after.textposition === "none" && after.orientation !== "h", isMarks = after.type === "scatter" && after.mode !== "lines";
    if (!(isBars || (isMarks && alike(before.text, after.text))) || before.x.length !== after.x.length) return false;
    if (!isEven(plot, before) || !isEven(plot, after)) return false;
    var old = places(plot, before);
    return places(plot, after).every(function (point, at) {
      if (!point || !old[at]) return !point && !old[at];
      return Math.abs(point[0] - old[at][0]) < HALF && Math.abs(point[1] - old[at][1]) < HALF;
    });
  }

  /** All lines are drawn: one that is again what Plotly drew may have been another since, or be filled down to another. */
  function traces(plot, before, after) {
    var nodes = Array.prototype.slice.call(plot.querySelectorAll(".scatterlayer > .trace")), writes = [];
    var isDrawn = before.length === after.length && after.every(function (trace, index) {
      var own = alike(before[index], trace, POINTS) && line(plot, after, index, nodes);
      if (own) writes = writes.concat(own);
      return own || alike(before[index], trace) || (alike(before[index], trace, POINTS) && rests(plot, before[index], trace));
    });
    return isDrawn ? writes : null;
  }

  function words(text) { return text.split(/<[^>]*>/).filter(Boolean); }
  function bones(text) { return text.replace(/(^|>)[^<]+/g, "$1#"); }

  function leaves(node) {
    if (node.nodeType === Node.TEXT_NODE) return node.nodeValue ? [node] : [];
    return Array.prototype.slice.call(node.childNodes).reduce(function (all, child) { return all.concat(leaves(child)); }, []);
  }

  /** A tag as it was, with other words and at another height; null where it would look otherwise. */
  function tag(plot, index, before, after) {
    var node = plot.querySelector('.infolayer > .annotation[data-index="' + index + '"]'), axis = axisOf(plot, { yaxis: after.yref }, "y");
    var group = node && node.querySelector(".annotation-text-g"), inner = group && group.firstChild, text = inner && inner.querySelector(".annotation-text");
    if (!text || !axis || axis.type !== "linear" || after.xanchor !== "left" || bones(before.text) !== bones(after.text) || /&/.test(after.text)) return null;
    var place = axis.l2p(after.y), centre = /,([-\d.]+)\)$/.exec(group.getAttribute("transform")), left = /\(([-\d.]+)/.exec(inner.getAttribute("transform"));
    var said = words(after.text), parts = leaves(text), ground = inner.querySelector(".bg");
    if (!(place >= 0 && place <= axis._length) || !centre || !left || said.length !== parts.length) return null;
    return function () {
      var high = Number(ground.getAttribute("height")) + 1, wide, pad;
      var isOther = said.some(function (word, at) { return parts[at].nodeValue !== word; });
      if (isOther) pad = text.getAttribute("x") - text.getComputedTextLength() / 2;
      if (isOther) said.forEach(function (word, at) { parts[at].nodeValue = word; });
      if (isOther && text.getAttribute("text-anchor") === "middle") {
        wide = text.getComputedTextLength();
        text.setAttribute("x", pad + wide / 2);
        ground.setAttribute("width", Math.ceil(wide + 2 * pad) - 1);
      }
      inner.setAttribute("transform", "translate(" + left[1] + "," + Math.round(Number(centre[1]) + place - axis.l2p(plot._fullLayout.annotations[index].y) - high / 2) + ")");
    };
  }

  /** `dressed` are the tags as they are to be now: one that is not in the picture does not matter. */
  function tags(plot, before, after, dressed) {
    var moves = [];
    if ((before || []).length !== (after || []).length) return null;
    var isDrawn = (after || []).every(function (each, index) {
      var isHidden = dressed[index].visible === false;
      if (isHidden !== (plot._fullLayout.annotations[index].visible === false)) return false;
      if (isHidden) return true;
      var move = alike(before[index], each, TAG) && /^y/.test(each.yref) && tag(plot, index, before[index], each);
      if (move) moves.push(move);
      return move || alike(before[index], each);
    });
    return isDrawn ? moves : null;
  }

  /** Whether an axis as it is drawn is right: for the range it is to have, or, if Plotly chose one, for data that are as they were. */
  function holdsFor(plot, before, after, name, range) {
    var axis = plot._fullLayout[name];
    if (range) return stands(axis, range);
    if (axis && !axis.autorange) return false; // stretched to a moment, while no data came
    return before.data.length === after.data.length && before.data.every(function (trace, at) { return alike(trace[name[0]], after.data[at][name[0]]); });
  }

  /** Whether the layouts are alike but for what may move, and every axis stays as it is drawn. */
  function holds(plot, before, after, layout) {
    var names = Object.keys(after.layout);
    return names.length === Object.keys(before.layout).length && names.every(function (name) {
      if (name === "annotations") return true;
      if (!/^[xy]axis/.test(name)) return alike(before.layout[name], after.layout[name]);
      return alike(before.layout[name], after.layout[name], RANGE) && holdsFor(plot, before, after, name, layout[name].range);
    });
  }

  /** Whether the viewer left out no line by the legend. */
  function isWhole(plot) {
    return plot._fullLayout && plot._fullData && plot._fullData.every(function (trace) { return trace.visible !== "legendonly"; });
  }

  /** From now on, what Plotly does of its own accord, and a pointer over it, find the chart as it should be. */
  function watch(plot, catchUp) {
    if (!plot.catchUp) plot.addEventListener("pointerover", function () { if (plot.behind) plot.catchUp(); }, true);
    plot.catchUp = catchUp;
    if (plot.watched === plot._ev) return; // another Plotly that takes over brings an emitter of its own, without listeners
    plot.watched = plot._ev;
    plot.on("plotly_afterplot", function () { if (plot.behind) plot.catchUp(); });
  }

  app.strokes = {
    /**
     * Bring a chart from the figure that Plotly drew to the one that followed, as the server sent them; `layout` is
     * how it is to be dressed now. Return whether that was possible. Plotly's own points stay behind until `catchUp`.
     */
    drawn: function (plot, before, after, layout, catchUp) {
      if (!isWhole(plot) || plot.matches(":hover") || !holds(plot, before, after, layout)) return false;
      var moves = tags(plot, before.layout.annotations, after.layout.annotations, layout.annotations), writes = moves && traces(plot, before.data, after.data);
      if (!writes) return false;
      writes.forEach(function (each) { each[0].setAttribute(each[1], each[2]); });
      moves.forEach(function (move) { move(); });
      plot.behind = true;
      watch(plot, catchUp);
      return true;
    },
  };
})(window.aiTrader);

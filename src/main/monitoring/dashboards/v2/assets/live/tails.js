/* Tails: what changed of a panel, made into its next version. The server sends one to who has seen the version before. */
(function (app) {
  "use strict";

  /** An object has the changes of members, or of places in a list; [value] replaces; [drop, keep, added, ahead] goes on. */
  function merged(old, change) {
    if (Array.isArray(change)) {
      if (change.length === 1) return change[0];
      return (change[3] || []).concat(old.slice(change[0], change[0] + change[1]), change[2]);
    }
    var copy = Array.isArray(old) ? old.slice() : Object.assign({}, old);
    Object.keys(change).forEach(function (key) { copy[key] = merged(old[key], change[key]); });
    return copy;
  }

  app.tails = {
    /** The content that news of a panel bring; null where they bring none, undefined where the version they are of is missing. */
    content: function (record, news) {
      if ("figure" in news || "children" in news) return news;
      if (!("tail" in news)) return record.content && record.version === news.version ? null : undefined;
      return record.content && record.version === news.from ? merged(record.content, news.tail) : undefined;
    },
    /** What of a list of rows became another, for the grid; null where rows changed places, or have no one place. */
    rows: function (before, after) {
      var old = new Map(before.map(function (row) { return [row.key, row]; })), now = new Set(after.map(function (row) { return row.key; }));
      if (old.size !== before.length || now.size !== after.length) return null;
      var stayed = before.filter(function (row) { return now.has(row.key); }), kept = after.filter(function (row) { return old.has(row.key); });
      if (kept.some(function (row, at) { return row.key !== stayed[at].key; })) return null;
      var add = after.filter(function (row) { return !old.has(row.key); }), at = after.indexOf(add[0]), last = after.lastIndexOf(add[add.length - 1]);
      // Only at an end is it clear where rows are added while others go.
      if (add.length && (last - at + 1 !== add.length || (at !== 0 && last !== after.length - 1))) return null;
      return {
        add: add,
        addIndex: add.length && at === 0 && kept.length ? 0 : undefined,
        remove: before.filter(function (row) { return !now.has(row.key); }),
        update: kept.filter(function (row) { return JSON.stringify(row) !== JSON.stringify(old.get(row.key)); }),
      };
    },
  };
})(window.aiTrader);

/* How times and lengths of time are written: the twin of text.py, in the viewer's zone. */
(function (app) {
  "use strict";
  var MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  var DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  var formats = {};
  var offsets = {};

  function two(number) { return number < 10 ? "0" + number : String(number); }

  function format(zone) {
    if (!formats[zone]) {
      formats[zone] = new Intl.DateTimeFormat("en-GB", {
        timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
        hour: "numeric", minute: "numeric", second: "numeric",
      });
    }
    return formats[zone];
  }

  /** Milliseconds to add to UTC for the zone's wall clock; looked up once a quarter of an hour of time shown. */
  function offset(milliseconds, zone) {
    if (zone === "UTC") return 0;
    var quarter = Math.floor(milliseconds / 900000);
    var key = zone + quarter;
    if (offsets[key] === undefined) {
      var at = quarter * 900000;
      var parts = {};
      format(zone).formatToParts(new Date(at)).forEach(function (part) { parts[part.type] = Number(part.value); });
      var wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
      offsets[key] = wall - at;
    }
    return offsets[key];
  }

  function wall(milliseconds, zone) { return new Date(milliseconds + offset(milliseconds, zone)); }
  function clock(date) { return two(date.getUTCHours()) + ":" + two(date.getUTCMinutes()) + ":" + two(date.getUTCSeconds()); }
  function day(date) { return date.getUTCDate() + " " + MONTHS[date.getUTCMonth()]; }

  app.writing = {
    offset: offset,
    /** Today `14:32:05`, this year `12 Oct 10:04`, else `12 Oct 2025`. */
    moment: function (milliseconds, now, zone) {
      var at = wall(milliseconds, zone), today = wall(now, zone);
      if (at.toISOString().slice(0, 10) === today.toISOString().slice(0, 10)) return clock(at);
      if (at.getUTCFullYear() === today.getUTCFullYear()) return day(at) + " " + clock(at).slice(0, 5);
      return day(at) + " " + at.getUTCFullYear();
    },
    /** Always with its date: `Thu 19 Nov 2026 10:15:00`. */
    full: function (milliseconds, zone) {
      var at = wall(milliseconds, zone);
      return DAYS[at.getUTCDay()] + " " + day(at) + " " + at.getUTCFullYear() + " " + clock(at);
    },
    date: function (milliseconds, zone) {
      var at = wall(milliseconds, zone);
      return DAYS[at.getUTCDay()] + " " + day(at) + " " + at.getUTCFullYear();
    },
    clock: function (milliseconds, zone) { return clock(wall(milliseconds, zone)); },
    /** The value of a datetime-local field, and back. */
    field: function (milliseconds, zone) { return wall(milliseconds, zone).toISOString().slice(0, 19); },
    unfield: function (text, zone) {
      var asUtc = Date.parse(text + "Z");
      return isNaN(asUtc) ? null : asUtc - offset(asUtc - offset(asUtc, zone), zone);
    },
    /** The two largest units, cut off: `2 s`, `4 m 12 s`, `6 d 04 h`. */
    duration: function (milliseconds) {
      var seconds = Math.max(0, Math.floor(milliseconds / 1000));
      if (seconds >= 86400) return Math.floor(seconds / 86400) + " d " + two(Math.floor(seconds % 86400 / 3600)) + " h";
      if (seconds >= 3600) return Math.floor(seconds / 3600) + " h " + two(Math.floor(seconds % 3600 / 60)) + " m";
      if (seconds >= 60) return Math.floor(seconds / 60) + " m " + two(seconds % 60) + " s";
      return seconds + " s";
    },
    /** `America/New_York` as people say it. */
    zoneName: function (zone) { return zone.split("/").pop().replace(/_/g, " "); },
  };
})(window.aiTrader);

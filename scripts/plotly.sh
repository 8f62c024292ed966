#!/bin/sh
# Builds the small Plotly into the virtual environment: plotly.sh VENV. Without npm, or where anything goes wrong, it
# says so in one line and pages are served the packaged Plotly, which draws the same and is more than three times as large.
set -u
venv=$1
here=$(cd "$(dirname "$0")/plotly" && pwd)
list=$here/../../src/main/monitoring/dashboards/v2/small_plotly.json
into=$venv/share/ai-trader

without() {
    echo "Pages get the packaged Plotly, 0.9 MB more at a first visit: $1."
    exit 0
}

command -v npm >/dev/null 2>&1 || without "there is no npm to build the small one with"
mkdir -p "$into" 2>/dev/null && [ -w "$into" ] || without "$into cannot be written"
work=$(mktemp -d) || without "no temporary folder"
trap 'rm -rf "$work" "$into"/*.$$' EXIT
cp "$here"/package.json "$here"/package-lock.json "$here"/build.mjs "$work"
echo "Building the small Plotly for the pages (about a minute: npm fetches its source) …"
# First a small one alone: where nothing answers, npm would wait for each of the packages, fifteen at a time.
(cd "$work" && npm view wrappy name --loglevel=error --fetch-retries=0 --fetch-timeout=15000 &&
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=15000) \
    >"$work/said" 2>&1 || without "npm could not fetch plotly.js (make plotly tries again)"
mkdir "$work/made"
node "$work/build.mjs" "$list" "$work/made" 2>"$work/said" || without "the build failed: $(tail -n 1 "$work/said")"
# By renaming beside it: who starts meanwhile finds the one before or this one, and never a part.
for name in plotly.LICENSE.txt plotly.min.js; do
    cp "$work/made/$name" "$into/$name.$$" && mv "$into/$name.$$" "$into/$name" || without "$into cannot be written"
done

// Runs a browser script in Node: `node page.cjs SCRIPT [FUNCTION…]`. Gives it a WebSocket and the
// named functions of the page, prints each call of those and of the console as a line of JSON, and
// evaluates what comes in on stdin, a line at a time.
"use strict";

const { readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const vm = require("node:vm");
const { WebSocket } = require("ws");

const [script, ...functions] = process.argv.slice(2);

function report(call) {
  return (...args) => process.stdout.write(JSON.stringify({ call, args }) + "\n");
}

// In a browser a connection that fails is told to those who listen, and ends nothing.
globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    this.on("error", () => {});
  }
};

for (const level of ["log", "warn", "error"]) console[level] = report(level);
for (const name of functions) globalThis[name] = report(name);

vm.runInThisContext(readFileSync(script, "utf8"), { filename: script });
createInterface({ input: process.stdin }).on("line", (line) => vm.runInThisContext(line));

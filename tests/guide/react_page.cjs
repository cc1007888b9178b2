// Opens a page in jsdom: `node react_page.cjs ADDRESS`. Prints the console and, whenever it
// changes, the text of the page, as lines of JSON; clicks the button once stdin says so.
"use strict";

const { createInterface } = require("node:readline");
const { JSDOM, VirtualConsole } = require("jsdom");

function report(call, ...args) {
  process.stdout.write(JSON.stringify({ call, args }) + "\n");
}

const console = new VirtualConsole();
for (const level of ["log", "warn", "error", "jsdomError"]) {
  console.on(level, (...args) => report(level, ...args.map(String)));
}

JSDOM.fromURL(process.argv[2], {
  resources: "usable",
  runScripts: "dangerously",
  virtualConsole: console,
}).then(({ window }) => {
  const { document } = window;
  new window.MutationObserver(() => report("page", document.body.textContent)).observe(
    document.body,
    { childList: true, subtree: true, characterData: true },
  );
  createInterface({ input: process.stdin }).on("line", () => document.querySelector("button").click());
});

/** The live connection for people: `/asyncapi.json` as a page. */

import { el } from '/dashboard/dom.js';
import { fields, limits, type } from '/dashboard/reference/schema.js';

const ARROWS = { receive: '→', send: '←' };

const main = document.getElementById('reference');
const contents = document.getElementById('contents');

/** The last part of a reference. @param { {$ref: string} } reference */
const named = (reference) => reference.$ref.split('/').at(-1);

/** Words with `code` in them. @param {string} text */
function words(text) {
  return text.split('`').map((part, index) => (index % 2 ? el('code', {}, part) : part));
}

/** A table, with headings. @param {string[]} heads @param {(Node | string | (Node | string)[])[][]} rows */
function table(heads, rows) {
  const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)));
  const body = rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, ...[cell].flat()))));
  const whole = el('table', {}, el('thead', {}, head), el('tbody', {}, ...body));
  return el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': heads.join(', ') }, whole);
}

/** A part of the page, and its line in the contents. */
function part(/** @type {string} */ id, /** @type {string} */ title, /** @type {Node[]} */ ...children) {
  contents.append(el('a', { class: 'part', href: `#${id}` }, title));
  const section = el('section', { id, 'aria-labelledby': `${id}-title` }, el('h2', { id: `${id}-title` }, title), ...children);
  main.append(section);
  return section;
}

/** A thing in a part. */
function entry(/** @type {string} */ id, /** @type {string} */ title, /** @type {any[]} */ ...children) {
  contents.append(el('a', { href: `#${id}` }, title));
  return el('article', { id }, el('h3', {}, title), ...children);
}

/** What a schema consists of. @param {any} schema */
function shape(schema) {
  const rows = fields(schema).map(([name, field, isRequired]) => [
    el('code', { class: isRequired ? 'required' : '' }, name),
    type(field),
    words([isRequired ? '' : 'optional', limits(field)].filter(Boolean).join('; ')),
  ]);
  if (rows.length) return table(['field', 'type', 'notes'], rows);
  return el('p', {}, ...type(schema));
}

/** One message, what it consists of, and what it is answered with. */
function message(/** @type {any} */ { action, messages, reply }, /** @type {any} */ { messages: all, schemas }) {
  const name = named(messages[0]);
  const answers = (reply?.messages ?? []).flatMap((/** @type {any} */ each) => [' ', el('code', {}, named(each))]);
  return entry(
    `${action}-${name}`,
    `${ARROWS[action]} ${name}`,
    ...all[name].description.split('\n\n').map((/** @type {string} */ text) => el('p', {}, ...words(text))),
    shape(schemas[named(all[name].payload)]),
    ...(answers.length ? [el('p', { class: 'soft' }, 'Answered by', ...answers)] : []),
    example(all[name].examples[0]),
  );
}

/** A type that others refer to. */
function described(/** @type {string} */ name, /** @type {any} */ schema, /** @type {Node[]} */ ...more) {
  return entry(`type-${name}`, name, el('p', {}, ...words(schema.description ?? '')), shape(schema), ...more);
}

/** A message as it is sent. @param { {payload: any} } one */
function example({ payload }) {
  return el('pre', { tabindex: 0 }, JSON.stringify(payload));
}

/** Where the connection is, and what its address asks for. @param {any} api */
function showAddress({ info, servers, channels, components }) {
  const { host, protocol } = servers.service;
  const address = el('pre', { class: 'address', tabindex: 0 }, `${protocol}://${host}${channels.live.address}`);
  part('about', 'About', address, el('p', {}, ...words(info.description)));

  const asked = Object.entries(channels.live.bindings.ws.query.properties);
  const rows = asked.map(([name, field]) => [el('code', {}, name), type(field), words(limits(field))]);
  part('query', 'In the address', table(['parameter', 'type', 'notes'], rows));

  const ways = Object.values(components.securitySchemes).map((/** @type {any} */ { scheme, name, ...way }) => [
    el('code', {}, scheme ? 'Authorization' : name),
    scheme ? 'header' : way.in,
    words(way.description),
  ]);
  part('security', 'Who is asking', table(['name', 'in', 'notes'], ways));
}

/** What one side says: by itself, and as an answer. */
function showMessages(/** @type {any} */ { operations, components }, /** @type {string} */ action, /** @type {string} */ title) {
  const all = Object.values(operations);
  const own = all.filter((one) => one.action === action);
  const answers = all.filter((one) => one.action !== action).flatMap((one) => one.reply?.messages ?? []);
  const section = part(action, title);
  const said = new Set();
  for (const one of [...own, ...answers.map((each) => ({ action, messages: [each] }))]) {
    const name = named(one.messages[0]);
    if (!said.has(name)) section.append(message(one, components));
    said.add(name);
  }
}

/** Every action of a union, with its message. */
function showActions(/** @type {any} */ { components }, /** @type {string} */ id, /** @type {string} */ title, /** @type {any} */ [union, carrier]) {
  const { schemas, messages } = components;
  const choices = schemas[union].oneOf ?? [schemas[union]];
  const names = choices.map((/** @type {any} */ one) => one.const ?? Object.keys(one.properties)[0]);
  const section = part(id, title);
  names.forEach((/** @type {string} */ name, /** @type {number} */ index) => {
    const sent = example(messages[carrier].examples[index]);
    section.append(described(name, schemas[name] ?? choices[index], sent));
  });
  return [union, ...names];
}

const api = await (await fetch('/asyncapi.json')).json();
main.append(el('h1', {}, api.info.title));
showAddress(api);
showMessages(api, 'receive', 'What clients say');
showMessages(api, 'send', 'What the service says');
const shown = new Set([
  ...showActions(api, 'commands', 'Commands', ['ClientCommand', 'command']),
  ...showActions(api, 'events', 'Events', ['Event', 'event']),
]);
const others = Object.entries(api.components.schemas).filter(([name]) => !shown.has(name) && !name.endsWith('Message'));
const types = part('types', 'Types');
for (const [name, schema] of others) types.append(described(name, schema));
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();

/** What a JSON Schema says, in words and links. */

import { el } from '/dashboard/dom.js';

const BOUNDS = [['minLength', 'maxLength', ' characters'], ['minItems', 'maxItems', ' items'], ['minimum', 'maximum', '']];

/** The fields of an object: name, schema, whether it must be there. @param {any} schema */
export function fields(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [name, field, required.has(name)]);
}

/** The type, as nodes and texts. @param {any} schema @returns {(Node | string)[]} */
export function type(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    const place = { ClientCommand: 'commands', Event: 'events' }[name] ?? `type-${name}`;
    return [el('a', { href: `#${place}` }, name)];
  }
  if ('const' in schema) return [el('code', {}, JSON.stringify(schema.const))];
  if (schema.enum) return either(schema.enum.map((/** @type {any} */ value) => type({ const: value })));
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return either(choices.map(type));
  if (schema.type === 'array') return ['list of ', ...type(schema.items ?? {})];
  return [schema.format === 'date-time' ? 'date and time' : (schema.type ?? 'anything')];
}

/** What narrows it. @param {any} schema */
export function limits(schema) {
  const said = [];
  for (const one of schema.anyOf ?? [schema]) {
    if (one.description) said.push(one.description);
    for (const [least, most, what] of BOUNDS) {
      const [low, high] = [one[least], one[most]].map((value) => value?.toLocaleString('en'));
      if (low && high) said.push(`${low} to ${high}${what}`);
      else if (low) said.push(`at least ${low}${what}`);
      else if (high) said.push(`at most ${high}${what}`);
    }
    if (one.format === 'date-time') said.push('RFC 3339');
    if (one.default != null) said.push(`else \`${JSON.stringify(one.default)}\``);
  }
  return said.join('; ');
}

/** @param {(Node | string)[][]} choices @returns {(Node | string)[]} */
function either(choices) {
  return choices.flatMap((choice, index) => (index ? [' or ', ...choice] : choice));
}

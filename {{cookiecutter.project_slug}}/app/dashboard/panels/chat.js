/**
 * The chat: who is in a room and what is said there, and a form that says something.
 */

import { chips, el, field, form, time } from '/dashboard/dom.js';
import { perFrame } from '/dashboard/frame.js';

export const title = 'Chat';
export const rank = 2;
export const styles = '/dashboard/chat/chat.css';

const FIRST = 'lobby';
// As many messages of a room, and as many rooms, as a snapshot holds.
const KEPT = 50;
// Names of those who are present, before it says how many more there are.
const NAMED = 8;
// How near its end a log must be to follow what is said, in pixels.
const NEAR = 40;

/**
 * @typedef { {message_id: string, user_id: string, text: string, sent_at: string} } Message
 * @typedef { {room: string, messages: Message[]} } Room
 */

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send, also }) {
  /** @type {Map<string, Message[]>} the latest message last, by room */
  let rooms = new Map();
  /** @type {Map<string, number>} how much was said in a room since it was last shown */
  const unread = new Map();
  /** @type {string} */
  let entered = '';
  /** @type {string} */
  let shown = state[0]?.room ?? FIRST;
  const list = chips('Rooms', enter);
  const present = el('p', { class: 'present', hidden: true });
  const empty = el('p', { class: 'empty' }, 'Nobody has said anything here yet.');
  let log = logOf(shown, []);
  let toEnd = following(log);
  /** @type {Message[]} said here since the last frame */
  let fresh = [];
  const draw = perFrame(append);
  const room = field('Room', { name: 'room', value: shown, maxlength: 64 });
  const text = field('Message', { name: 'text', maxlength: 2000 });
  room.addEventListener('change', () => enter(room.control.value));
  root.append(list.root, present, empty, log, form({ class: 'inline say', 'aria-label': 'Say something' }, say,
    room, text, el('button', { type: 'submit', class: 'primary' }, 'Send')));
  reset(state);

  /** @param {Room[]} all  spoken in last first */
  function reset(all) {
    rooms = new Map(all.map(({ room: name, messages }) => [name, messages]));
    enter(shown);
  }

  /** @param {string} name */
  function enter(name) {
    shown = name;
    listen();
    room.control.value = name;
    // A log of its own: what is added to a log that is there would all be read aloud.
    const anew = logOf(name, rooms.get(name) ?? []);
    log.replaceWith(anew);
    log = anew;
    toEnd = following(log);
    fresh = [];
    unread.delete(name);
    count();
    toEnd();
  }

  /** Be in the room that is shown, and in no other, and hear who else is. */
  function listen() {
    if (shown === entered) return;
    entered = shown;
    present.hidden = true;
    also(shown ? [`chat:${shown}`, `presence:${shown}`] : []);
  }

  /** @param {string[]} users @param {number} more */
  function showPresent(users, more) {
    const others = Math.max(0, users.length - NAMED) + more;
    const words = [...users.slice(0, NAMED), ...(others ? [`${others} more`] : [])];
    present.textContent = `Here now: ${words.join(', ')}`;
    present.hidden = !words.length;
  }

  function count() {
    const known = [...rooms.keys()];
    list.show(known.includes(shown) ? known : [shown, ...known], shown, unread);
    empty.hidden = rooms.has(shown);
    log.hidden = !rooms.has(shown);
  }

  /** @param {Record<string, string>} values */
  async function say(values) {
    if (values.room !== shown) enter(values.room);
    // The next message may be written, and sent, before the answer to this one is there.
    text.control.value = '';
    send({ SendMessage: values }).then((done) => {
      if (!done) text.control.value ||= values.text;
    });
  }

  /** @param {string} name @param {Message} message */
  function heard(name, message) {
    const messages = [...(rooms.get(name) ?? []), message].slice(-KEPT);
    if (rooms.has(name)) rooms.set(name, messages);
    else rooms = new Map([[name, messages], ...[...rooms].slice(0, KEPT - 1)]);
    if (name === shown) fresh = [...fresh, message].slice(-KEPT);
    else unread.set(name, (unread.get(name) ?? 0) + 1);
    draw();
  }

  function append() {
    count();
    const messages = log.firstChild;
    messages.append(...fresh.map(messageOf));
    fresh = [];
    while (messages.children.length > KEPT) messages.firstChild.remove();
    toEnd();
  }

  return {
    event(name, { room: where, ...fields }) {
      if (name === 'MessageSent') heard(where, fields);
      if (name === 'PresenceChanged' && where === shown) showPresent(fields.user_ids, fields.more);
    },
    reset,
  };
}

/** @param {string} room @param {Message[]} messages */
function logOf(room, messages) {
  return el('div', {
    class: 'said', role: 'log', tabindex: 0, 'aria-label': `Said in ${room}`, 'aria-relevant': 'additions',
  }, el('ol', {}, ...messages.map(messageOf)));
}

/**
 * Keep a log at its end while nobody has scrolled back, also when it becomes smaller or its lines
 * longer. Gives a function to call after something was said.
 * @param {any} log
 */
function following(log) {
  let [isFollowed, end] = [true, 0];
  const endOf = () => log.scrollHeight - log.clientHeight;
  const toEnd = () => {
    end = endOf();
    if (isFollowed) log.scrollTop = end;
  };
  log.addEventListener('scroll', () => {
    // When its end is elsewhere since then, nobody has scrolled: it is about to go there.
    if (end === endOf()) isFollowed = end - log.scrollTop < NEAR;
  });
  const sizes = new ResizeObserver(toEnd);
  sizes.observe(log);
  sizes.observe(log.firstChild);
  return toEnd;
}

/** @param {Message} message */
function messageOf({ user_id, text, sent_at }) {
  const mark = el('span', { class: 'mark', 'aria-hidden': 'true' }, user_id.slice(0, 1).toUpperCase());
  mark.style.setProperty('--hue', hueOf(user_id));
  return el('li', {}, mark,
    el('p', { class: 'top' }, el('b', { dir: 'auto' }, user_id), time(sent_at)),
    el('p', { class: 'text', dir: 'auto' }, text));
}

/** The same colour for the same person, everywhere. @param {string} name */
function hueOf(name) {
  const sum = [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 360, 7);
  return String(sum);
}

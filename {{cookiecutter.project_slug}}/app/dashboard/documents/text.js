/**
 * A text that this page and others edit at the same time.
 *
 * Positions count code points, as the service does, and not the UTF-16 units of a string.
 *
 * @typedef { {op: 'insert', at: number, text: string} | {op: 'delete', at: number, count: number} } Change
 */

// So that an edit fits into one message; the rest follows when the first part has been taken.
const LONGEST_INSERT = 8_000;

/** What the service has, what the person here has made of it, and the edit that is on its way. */
export class SharedText {
  /** Others have changed the same place: nothing is sent until the person has chosen. */
  conflicted = false;
  /** Why the last edit was not taken. */
  problem = '';
  /** @type { {version: number, text: string} | null} */ #sent = null;
  #onItsWay = false;

  /** @param {number} version @param {string} text */
  constructor(version, text) {
    this.version = version;
    this.base = text;
    this.mine = withoutReturns(text);
  }

  /** Whether there is something that the service does not have. */
  get changed() {
    return this.mine !== withoutReturns(this.base);
  }

  /**
   * The person has changed what was to be seen: that may be less than what is known by now.
   * @param {string} text  now
   * @param {string} [seen]  before
   */
  typed(text, seen = this.mine) {
    const mine = merged(seen, text, this.mine);
    if (mine === null) this.conflicted = true;
    this.mine = mine ?? text;
    this.problem = '';
    if (!this.changed) this.conflicted = false;
  }

  /**
   * The next edit to send, or null: there is none, or it must wait. `answered` must follow it.
   * @returns { {base_version: number, changes: Change[]} | null}
   */
  next() {
    if (this.#onItsWay || this.conflicted || !this.changed) return null;
    const changes = changesBetween(this.base, this.mine);
    this.#sent = { version: this.version, text: applied(this.base, changes) };
    this.#onItsWay = true;
    return { base_version: this.version, changes };
  }

  /** The edit was taken or refused; gives whether others were faster. */
  answered() {
    this.#onItsWay = false;
    return this.#sent !== null && this.#sent.version !== this.version;
  }

  /**
   * An event tells of changes; gives false when some are missing before them.
   * @param {number} version
   * @param {Change[]} changes
   */
  updated(version, changes) {
    if (version > this.version + 1) return false;
    if (version === this.version + 1) this.became(version, applied(this.base, changes));
    return true;
  }

  /**
   * The service has this text now. What was typed here stays, around what others have changed.
   * @param {number} version
   * @param {string} text
   */
  became(version, text) {
    // The same text may be there again later, by somebody else.
    const isOurs = this.#sent?.version === version - 1 && this.#sent.text === text;
    const mine = isOurs ? this.mine : merged(this.base, this.mine, text);
    if (mine === null) this.conflicted = true;
    else if (!this.conflicted) this.mine = mine;
    this.version = version;
    this.base = text;
    if (!this.changed) this.conflicted = false;
  }

  /** Settle a conflict: what the person here has goes over what others have. */
  keepMine() {
    this.conflicted = false;
  }

  /** Settle a conflict: what others have goes over what the person here has. */
  takeTheirs() {
    this.conflicted = false;
    this.mine = withoutReturns(this.base);
  }
}

/** The smallest single replacement. @param {string} before @param {string} after */
export function changesBetween(before, after) {
  const { at, count, points } = replacement(before, after);
  /** @type {Change[]} */
  const changes = [];
  if (count) changes.push({ op: 'delete', at, count });
  const text = points.slice(0, LONGEST_INSERT).join('');
  if (text) changes.push({ op: 'insert', at, text });
  return changes;
}

/** The text after these changes, one after the other. @param {string} text @param {Change[]} changes */
export function applied(text, changes) {
  let points = [...text];
  for (const change of changes) {
    const [more, skipped] = change.op === 'insert' ? [change.text, 0] : ['', change.count];
    points = [...points.slice(0, change.at), ...more, ...points.slice(change.at + skipped)];
  }
  return points.join('');
}

/**
 * Where a caret belongs, in UTF-16 units as elements count, when the text around it was changed.
 * @param {number} caret
 * @param {string} before
 * @param {string} after
 */
export function moved(caret, before, after) {
  const { at, count, points } = replacement(before, after);
  const place = [...before.slice(0, caret)].length;
  if (place <= at) return caret;
  const now = Math.max(place, at + count) + points.length - count;
  return [...after].slice(0, now).join('').length;
}

/**
 * What two have made of the same text, or null when both have changed the same place.
 * @param {string} base
 * @param {string} mine
 * @param {string} theirs
 */
function merged(base, mine, theirs) {
  const [was, is] = [withoutReturns(base), withoutReturns(theirs)];
  if (mine === was || mine === is) return is;
  const [own, other] = [replacement(was, mine), replacement(was, is)];
  const shift = other.points.length - other.count;
  const isAfter = own.at >= other.at + other.count;
  if (!isAfter && own.at + own.count > other.at) return null;
  const at = isAfter ? own.at + shift : own.at;
  const points = [...is];
  return [...points.slice(0, at), ...own.points, ...points.slice(at + own.count)].join('');
}

/** @param {string} before @param {string} after */
function replacement(before, after) {
  const [old, now] = [[...before], [...after]];
  const shorter = Math.min(old.length, now.length);
  let at = 0;
  while (at < shorter && old[at] === now[at]) at += 1;
  let end = 0;
  while (end < shorter - at && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  return { at, count: old.length - at - end, points: now.slice(at, now.length - end) };
}

/** As a textarea shows it. @param {string} text */
function withoutReturns(text) {
  return text.replace(/\r\n?/g, '\n');
}

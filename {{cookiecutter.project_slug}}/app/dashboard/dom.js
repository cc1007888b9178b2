/**
 * Elements and words for panels. Data only ever becomes text: no panel writes HTML.
 */

const CURRENCY = 'USD';
const LONG_MILLISECONDS = 1_000;

const money = new Intl.NumberFormat(undefined, { style: 'currency', currency: CURRENCY });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} units and their seconds, largest first */
const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]];

/**
 * An element, such as `el('button', { type: 'submit', class: 'quiet' }, 'Ship')`.
 * @param {string} tag
 * @param {Record<string, string | number | boolean>} [attributes]  `true` sets it, `false` leaves it out
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The same for a picture's parts.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 * @returns {any}
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * A row of buttons, one for each name, of which one is current.
 * @param {string} label
 * @param {(name: string) => void} choose
 */
export function chips(label, choose) {
  const root = el('div', { class: 'chips', role: 'group', 'aria-label': label });
  /** @type {Map<string, {button: any, count: any}>} */
  let made = new Map();

  /** @param {string} name */
  function chip(name) {
    const count = el('span', { class: 'badge', hidden: true });
    const button = el('button', { type: 'button' }, name, count);
    button.addEventListener('click', () => choose(name));
    return { button, count };
  }

  return {
    root,
    /**
     * @param {string[]} names
     * @param {string} current
     * @param {Map<string, number>} [counts]  what to say beside a name, when it is not 0
     */
    show(names, current, counts = new Map()) {
      const before = [...made.keys()].join('\n');
      made = new Map(names.map((name) => [name, made.get(name) ?? chip(name)]));
      made.forEach(({ button, count }, name) => {
        button.setAttribute('aria-pressed', name === current);
        count.textContent = `${counts.get(name)} new`;
        count.hidden = !counts.get(name);
      });
      if (names.join('\n') === before) return;
      const focused = document.activeElement;
      root.replaceChildren(...[...made.values()].map(({ button }) => button));
      if (focused instanceof HTMLElement && root.contains(focused)) focused.focus();
    },
  };
}

/**
 * A labelled input of a form.
 * @param {string} label
 * @param {Record<string, string | number | boolean>} attributes  of the input; it needs a `name`
 */
export function field(label, attributes) {
  return el('label', { class: 'field' }, el('span', {}, label), el('input', {
    required: true, autocomplete: 'off', dir: 'auto', ...attributes,
  }));
}

/**
 * A form that calls `submit` with its values, and is busy until that has ended. When it takes long,
 * the form says what it waits for.
 * @param {Record<string, string>} attributes
 * @param {(values: Record<string, string>) => Promise<unknown>} submit
 * @param {...Node} children
 * @returns {HTMLFormElement}
 */
export function form(attributes, submit, ...children) {
  const waits = el('p', { class: 'waits', role: 'status' });
  const element = el('form', attributes, ...children, waits);
  element.addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (element.ariaBusy === 'true') return;
    element.ariaBusy = 'true';
    const told = setInterval(() => write(waits, awaited()), LONG_MILLISECONDS);
    try {
      await submit(/** @type {any} */ (Object.fromEntries(new FormData(element))));
    } finally {
      clearInterval(told);
      write(waits, '');
      element.ariaBusy = 'false';
    }
  });
  return element;
}

/** What is missing for an answer: the page's `data-state` is that of the connection. */
function awaited() {
  const isLive = document.body.dataset.state === 'live';
  return isLive ? 'Waits for the answer.' : 'Waits for the connection, and is then done.';
}

/** An amount of money. @param {number} cents */
export function price(cents) {
  return money.format(cents / 100);
}

/** An id that fits a card: its end, which differs most. @param {string} id */
export function shortened(id) {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}

/** A moment as people say it, kept up to date by `refreshTimes`. @param {string} moment */
export function time(moment) {
  const title = new Date(moment).toLocaleString();
  return el('time', { datetime: moment, title }, ago(moment));
}

/** Say every time of the page anew. */
export function refreshTimes() {
  for (const element of document.querySelectorAll('time')) {
    element.textContent = ago(element.dateTime);
  }
}

/** @param {string} moment */
function ago(moment) {
  const seconds = (Date.now() - Date.parse(moment)) / 1000;
  const unit = UNITS.find(([, length]) => seconds >= length);
  return unit ? relative.format(-Math.floor(seconds / unit[1]), unit[0]) : 'just now';
}

/**
 * Make these the children of `parent`, in this order. What stays where it is is not touched, so that
 * it keeps its focus and its place on the screen.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const child of wanted) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/** A style sheet, once for the page; settles when it counts. @param {string} href */
export function stylesheet(href) {
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const link = el('link', { rel: 'stylesheet', href });
  return new Promise((settle) => {
    link.onload = link.onerror = settle;
    document.head.append(link);
  });
}

/** A button. @param {string} label @param {() => void} act @param {Record<string, string>} [attributes] */
export function button(label, act, attributes = {}) {
  const made = el('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', act);
  return made;
}

/** Write text where it differs: what is equal costs nothing. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

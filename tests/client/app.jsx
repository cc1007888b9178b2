/** A page with the hooks of the package: the counter's value, and the last events. */

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { LiveClient } from 'live-client';
import { useConnection, useEvents, useStore } from 'live-client/react';

const VALUES = { Incremented: ({ value }) => value, WasReset: () => 0 };

function apply(view, name, fields) {
  const value = VALUES[name]?.(fields);
  return value === undefined ? view : { ...view, counter: { ...view.counter, value } };
}

const counted = (view) => view.counter.value;

function Counter({ client, limit }) {
  const state = useConnection(client);
  const value = useStore(client, counted);
  const again = useStore(client, (view) => [view.counter.value]); // A new one each time.
  const last = useEvents(client, ['Incremented', 'WasReset'], { limit });
  const odd = useEvents(client, (name, fields) => fields.value % 2 === 1);
  const none = useEvents(client, 'Incremented', { limit: 0 });
  return (
    <main>
      <p id="state">{state}</p>
      <p id="value">{value}</p>
      <p id="again">{again}</p>
      <p id="last">{last.map(({ action }) => action.Incremented?.value).join(' ')}</p>
      <p id="odd">{odd.map(({ seq }) => seq).join(' ')}</p>
      <p id="none">{none.length}</p>
      <button onClick={() => client.send({ Increment: { by: 1 } })}>Increment</button>
    </main>
  );
}

/** How many listeners there are: of the client, and of the page. */
const listening = { client: 0, page: 0 };

function counting(target, add, remove, kind) {
  const [given, taken] = [target[add], target[remove]];
  const heard = (name) => kind !== 'page' || ['online', 'visibilitychange'].includes(name);
  target[add] = function on(name, ...rest) {
    listening[kind] += heard(name);
    const stop = given.call(this, name, ...rest);
    return () => { listening[kind] -= 1; stop(); };
  };
  if (remove) {
    target[remove] = function off(name, ...rest) {
      listening[kind] -= heard(name);
      return taken.call(this, name, ...rest);
    };
  }
}

const sockets = [];
class Counted extends WebSocket {
  constructor(...given) { super(...given); sockets.push(this); }
}

/** Show the counter of a new client; gives what takes it away. */
function mount(limit = 3) {
  const client = new LiveClient({ apply, WebSocket: Counted });
  counting(client, 'on', null, 'client');
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  root.render(<StrictMode><Counter client={client} limit={limit} /></StrictMode>);
  return () => root.unmount();
}

const painted = () => new Promise((resolve) => { setTimeout(resolve); });

/** Show it and take it away again, so many times; each tenth is live by then. */
async function comeAndGo(times) {
  for (let time = 0; time < times; time += 1) {
    const unmount = mount();
    await painted();
    while (time % 10 === 0 && document.querySelector('#state')?.textContent !== 'live') await painted();
    unmount();
    document.body.lastElementChild.remove();
  }
  await painted();
  while (sockets.some(({ readyState }) => readyState !== WebSocket.CLOSED)) await painted();
  return { ...listening, sockets: sockets.length };
}

counting(window, 'addEventListener', 'removeEventListener', 'page');
counting(document, 'addEventListener', 'removeEventListener', 'page');
Object.assign(window, { mount, comeAndGo });

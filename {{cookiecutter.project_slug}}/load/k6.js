/**
 * Load for k6 (https://k6.io): users who send a command a second, and time its answer.
 *
 *     k6 run load/k6.js
 *     k6 run -e WS=ws://127.0.0.1:3000/api/v1/ws -e USERS=200 -e SECONDS=60 load/k6.js
 *
 * Every user needs a connection, and what it sends counts: lift the service's limits for the run
 * (APP_CONNECTIONS_PER_ADDRESS, APP_COMMANDS_PER_SECOND, APP_COMMAND_BURST). With a key, give
 * `-e TOKEN=…`.
 */

import { check } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { WebSocket } from 'k6/websockets';

const ADDRESS = __ENV.WS || 'ws://127.0.0.1:3000/api/v1/ws';
const SECONDS = Number(__ENV.SECONDS || 10);
const PATIENCE = 5; // seconds, for the last answers
const HEADERS = __ENV.TOKEN ? { Authorization: `Bearer ${__ENV.TOKEN}` } : {};
const ACTION = JSON.parse(open('./command.json'));

const answered = new Trend('command_answered', true); // milliseconds
const refused = new Counter('command_refused');
const heard = new Counter('event_heard');

export const options = {
  scenarios: {
    users: {
      executor: 'per-vu-iterations',
      vus: Number(__ENV.USERS || 20),
      iterations: 1,
      maxDuration: `${SECONDS + 2 * PATIENCE}s`,
    },
  },
  thresholds: {
    command_answered: ['p(95)<500'],
    command_refused: ['count==0'],
    checks: ['rate==1'],
  },
};

/** One user, from the handshake until the time is up and every command has its answer. */
export default function user() {
  const socket = new WebSocket(ADDRESS, null, { headers: HEADERS });
  const sent = new Map();
  const timeouts = [];
  let asking = 0;
  let number = 0;
  let isOver = false;

  function ask() {
    const id = `${__VU}-${Date.now()}-${number++}`;
    sent.set(id, Date.now());
    socket.send(JSON.stringify({ type: 'command', action: ACTION, id }));
  }

  function leave() {
    if (isOver && sent.size === 0) socket.close();
  }

  socket.onopen = () => {
    asking = setInterval(ask, 1000);
    const end = () => {
      clearInterval(asking);
      isOver = true;
      leave();
    };
    timeouts.push(setTimeout(end, SECONDS * 1000));
    timeouts.push(setTimeout(() => socket.close(), (SECONDS + PATIENCE) * 1000));
  };

  socket.onmessage = ({ data }) => {
    const { type, id } = JSON.parse(data);
    if (type === 'event') heard.add(1);
    if (type === 'error') refused.add(1);
    if (type === 'ack') answered.add(Date.now() - sent.get(id));
    if (sent.delete(id)) leave();
  };

  // Also when there was no connection at all. Not every k6 tells the close code.
  socket.onclose = () => {
    clearInterval(asking);
    timeouts.forEach((id) => clearTimeout(id));
    check(isOver, { 'it stayed until the end': (it) => it });
    check(sent.size, { 'every command was answered': (it) => it === 0 });
  };
}

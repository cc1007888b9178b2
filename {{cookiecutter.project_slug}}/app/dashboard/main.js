/**
 * The dashboard: the page around the panels, and the one connection that they share.
 */

import { LiveClient } from '/client.js';
import { watchConnection } from '/dashboard/connection.js';
import { refreshTimes } from '/dashboard/dom.js';
import { followWithPanels } from '/dashboard/panels.js';
import { chooseTheme } from '/dashboard/theme.js';
import { toast } from '/dashboard/toasts.js';
import { partOf, readViewer, showViewer } from '/dashboard/viewer.js';

const TIMES_MILLISECONDS = 10_000;
// Close codes of those whose token has expired, is no good, or has been revoked.
const WITHOUT_TOKEN = [4401, 4501, 4503];
const TOO_MANY_CONNECTIONS = 4429;

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);
/** @param {string} message */
const refused = (message) => toast('refusals', message);

chooseTheme(byId('theme'));
byId('host').textContent = location.host;
byId('second').href = location.href;
setInterval(refreshTimes, TIMES_MILLISECONDS);

const client = new LiveClient({ query: partOf(location.search), topics: 'all' });
const viewer = await readViewer(client, refused);
showViewer(byId('viewer'), viewer);
watchConnection(client);
followWithPanels(client, viewer);
client.on('error', (refusal) => refused(refusal.message));
client.on('state', (now) => {
  if (now !== 'stopped') byId('unnamed').hidden = byId('stopped').hidden = true;
});
client.on('close', ({ code, reason }) => {
  if (client.state !== 'stopped') { // It comes back by itself.
    if (code === TOO_MANY_CONNECTIONS) refused(reason);
    return;
  }
  const section = byId(WITHOUT_TOKEN.includes(code) ? 'unnamed' : 'stopped');
  section.hidden = false;
  const words = reason ? `It says: ${reason}` : 'It did not say why';
  section.querySelector('.reason').textContent = `${words} (code ${code}).`;
});
byId('again').addEventListener('click', () => client.connect());
client.connect();

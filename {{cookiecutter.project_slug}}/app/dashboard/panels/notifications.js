/**
 * The notifications of whoever looks at the page: what they have been told, and have not yet read.
 */

import { el, time } from '/dashboard/dom.js';

export const title = 'Notifications';
export const rank = 3;
export const styles = '/dashboard/notifications/notifications.css';

// As many as the service keeps for each user.
const KEPT = 100;

/**
 * @typedef { {notification_id: string, message: string, priority: 'low' | 'normal' | 'high',
 *   created_at: string, read?: boolean} } Notification
 */

/**
 * @param {HTMLElement} root
 * @param {import('../panels.js').Context} context
 * @returns {import('../panels.js').Panel}
 */
export function mount(root, { state, send, tell, badge, viewer }) {
  /** @type {Map<string, HTMLElement>} newest last */
  const shown = new Map();
  const empty = el('p', { class: 'empty' },
    `${viewer.name === 'anonymous' ? 'A customer' : viewer.name} is told here when an order of theirs is shipped.`);
  const list = el('ol', { class: 'rows scroll', tabindex: 0, 'aria-label': 'Newest first' });
  root.append(empty, list);
  reset(state);

  /** @param {Notification[]} notifications  newest first */
  function reset(notifications) {
    shown.clear();
    list.replaceChildren();
    [...notifications].reverse().forEach(put);
    count();
  }

  /** @param {Notification} notification */
  function put(notification) {
    const item = itemOf(notification, () => send({
      MarkNotificationRead: { notification_id: notification.notification_id },
    }));
    shown.set(notification.notification_id, item);
    list.prepend(item);
    const [[oldest, last]] = shown;
    if (shown.size <= KEPT) return;
    shown.delete(oldest);
    last.remove();
  }

  /** @param {string} notification_id */
  function markRead(notification_id) {
    const item = shown.get(notification_id);
    const button = item?.querySelector('button');
    if (button === document.activeElement) item?.focus();
    item?.classList.remove('unread');
    button?.remove();
  }

  function count() {
    badge(list.querySelectorAll('.unread').length);
    empty.hidden = shown.size > 0;
    list.hidden = shown.size === 0;
  }

  return {
    event(name, fields) {
      if (name === 'NotificationCreated') {
        put(fields);
        tell(fields.message, fields.priority);
      } else if (name === 'NotificationRead') {
        markRead(fields.notification_id);
      } else {
        return;
      }
      count();
    },
    reset,
  };
}

/**
 * @param {Notification} notification
 * @param {() => Promise<boolean>} markRead
 */
function itemOf({ message, priority, created_at, read }, markRead) {
  const item = el('li', { class: read ? 'notice' : 'notice unread', tabindex: -1 },
    el('p', {}, message),
    el('p', { class: 'about' }, el('span', { class: 'priority' }, priority), time(created_at)));
  item.dataset.priority = priority;
  if (read) return item;
  const button = el('button', { type: 'button', class: 'quiet', 'aria-label': `Mark read: ${message}` }, 'Mark read');
  button.addEventListener('click', markRead);
  item.lastChild.append(button);
  return item;
}

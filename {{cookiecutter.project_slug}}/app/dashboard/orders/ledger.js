/**
 * The orders that a board shows: what the service has told, and above it what is only hoped for.
 *
 * @typedef { {order_id: string, customer_id: string, status: string, total_cents: number,
 *   items: {product_id: string, name: string, quantity: number, unit_price_cents: number}[],
 *   placed_at: string, tracking_number?: string | null, reason?: string | null} } Order
 * @typedef {Order & {isHoped?: boolean}} Shown
 */

// A page left open does not keep every order that it has ever seen.
const KEPT = 1000;

export class Ledger {
  /** @type {Map<string, Order>} as told, oldest first */ #told = new Map();
  /** @type {Map<string, Partial<Order>>} what a command on its way would change */ #hoped = new Map();
  /** @type {Map<string, string>} in which column an order is */ #status = new Map();
  /** @type {Map<string, Map<string, Shown>>} orders by status, moved there last last */ #columns = new Map();

  /** Forget what was told; what is hoped for stays. @param {Order[]} orders  newest first */
  reset(orders) {
    this.#told = new Map([...orders].reverse().map((order) => [order.order_id, order]));
    this.#status.clear();
    this.#columns.clear();
    for (const order_id of this.#told.keys()) this.#show(order_id);
    for (const order_id of this.#hoped.keys()) this.#show(order_id);
  }

  /** The service tells of a new order. @param {Order} order */
  placed(order) {
    this.#told.set(order.order_id, order);
    this.#hoped.delete(order.order_id);
    this.#show(order.order_id);
    const [oldest] = this.#told.keys();
    if (this.#told.size <= KEPT) return;
    this.#told.delete(oldest);
    this.#show(oldest);
  }

  /** The service tells of a change. @param {string} order_id @param {Partial<Order>} fields */
  changed(order_id, fields) {
    const known = this.#told.get(order_id);
    if (!known) return;
    this.#told.set(order_id, { ...known, ...fields });
    if (this.#hoped.get(order_id)?.status === fields.status) this.#hoped.delete(order_id);
    this.#show(order_id);
  }

  /** Show this until the service has answered. @param {string} order_id @param {Partial<Order>} fields */
  hope(order_id, fields) {
    this.#hoped.set(order_id, fields);
    this.#show(order_id);
  }

  /** The service has answered: only what it told counts. @param {string} order_id */
  answered(order_id) {
    if (this.#hoped.delete(order_id)) this.#show(order_id);
  }

  /** How many orders are in a column. @param {string} status */
  count(status) {
    return this.#columns.get(status)?.size ?? 0;
  }

  /** Those that came to a column last, the latest first. @param {string} status @param {number} most */
  latest(status, most) {
    return [...(this.#columns.get(status)?.values() ?? [])].slice(-most).reverse();
  }

  /** @param {string} order_id */
  #show(order_id) {
    const [told, hoped] = [this.#told.get(order_id), this.#hoped.get(order_id)];
    const before = this.#status.get(order_id);
    const shown = hoped ? { ...told, ...hoped, isHoped: true } : told;
    if (before && before !== shown?.status) this.#columns.get(before)?.delete(order_id);
    if (!shown?.status) return this.#status.delete(order_id);
    this.#status.set(order_id, shown.status);
    const column = this.#columns.get(shown.status) ?? new Map();
    this.#columns.set(shown.status, column.set(order_id, shown));
  }
}

// What is said on the live connection. Made by `python -m app schema typescript`: do not edit.

/** What a client may send. */
export type ClientMessage =
  | CommandMessage
  | SubscribeMessage
  | AuthMessage
  | PingMessage
  | PongMessage;

/** What the service may send. */
export type ServerMessage =
  | EventMessage
  | SubscribedMessage
  | AckMessage
  | ErrorMessage
  | PingMessage
  | PongMessage;

/** What a client may ask for: one action, under its name. */
export type ClientCommand =
  | { RevokeTokens: RevokeTokens }
  | { AddStock: AddStock }
  | { PlaceOrder: PlaceOrder }
  | { ShipOrder: ShipOrder }
  | { CancelOrder: CancelOrder };

/** What can have happened: one action, under its name. */
export type Event =
  | { TokensRevoked: TokensRevoked }
  | { InventoryUpdated: InventoryUpdated }
  | { StockReserved: StockReserved }
  | { StockRefused: StockRefused }
  | { StockReleased: StockReleased }
  | { OrderPlaced: OrderPlaced }
  | { OrderProcessing: OrderProcessing }
  | { OrderShipped: OrderShipped }
  | { OrderCancelled: OrderCancelled };

/** What a client starts from: the State as it may see it, and where the log stood. */
export interface Snapshot {
  epoch: string;
  seq: number;
  state: {
    revocation?: Revocation[];
    inventory?: Product[];
    orders?: Order[];
  };
}

/**
 * Out: the command with this `id` is done; the log then stood at `seq`.
 *
 * A `duplicate` had been done already, when it was sent first: nothing was done now.
 */
export interface AckMessage {
  type: "ack";
  id: string;
  seq: number;
  duplicate?: boolean;
}

/** Put units of a product on the shelf. */
export interface AddStock {
  /** 1 to 64 characters */
  product_id: string;
  /** 1 to 1,000,000 */
  quantity: number;
}

/** In: this is who I am; or, before the token at hand expires, I still am. */
export interface AuthMessage {
  type: "auth";
  /** 1 to 8,192 characters */
  token: string;
}

/** Give up an order that has not been shipped. */
export interface CancelOrder {
  /** 1 to 64 characters */
  order_id: string;
  /** 1 to 500 characters */
  reason: string;
}

/** Why a request was refused; the same word at every door. */
export type Code = "invalid" | "unauthenticated" | "forbidden" | "not_found" | "conflict" | "id_reused" | "too_large" | "rate_limited" | "internal" | "unavailable";

/** In: do this. `id` comes back in `ack` or `error`, and as the `cause` of events. */
export interface CommandMessage {
  type: "command";
  action: ClientCommand;
  /** 1 to 64 characters */
  id?: string | null;
}

/** One field that does not fit. */
export interface ErrorField {
  loc: string;
  message: string;
}

/** Out, to the sender alone: refused, nothing has changed. Also the body of an HTTP refusal. */
export interface ErrorMessage {
  type: "error";
  code: Code;
  message: string;
  id?: string;
  fields?: ErrorField[];
  retry_after?: number;
}

/** Out: this happened. `seq` is its position in the log; ephemeral events have none. */
export interface EventMessage {
  type: "event";
  action: Event;
  seq?: number;
  cause?: string;
}

/** So many units of a product can be sold now. */
export interface InventoryUpdated {
  product_id: string;
  available: number;
}

/** One line of an order; prices are in cents. */
export interface Item {
  /** 1 to 64 characters */
  product_id: string;
  /** 1 to 200 characters */
  name: string;
  /** 1 to 10,000 */
  quantity: number;
  /** 0 to 10,000,000 */
  unit_price_cents: number;
}

/** One order. */
export interface Order {
  order_id: string;
  customer_id: string;
  status: Status;
  total_cents: number;
  items: Item[];
  /** date and time, RFC 3339 */
  placed_at: string;
  tracking_number: string | null;
  /** date and time, RFC 3339 */
  shipped_at: string | null;
  reason: string | null;
  /** date and time, RFC 3339 */
  cancelled_at: string | null;
}

/** The order will not be delivered. */
export interface OrderCancelled {
  order_id: string;
  reason: string;
  customer_id: string;
  /** date and time, RFC 3339 */
  cancelled_at: string;
}

/** A customer has placed an order. */
export interface OrderPlaced {
  order_id: string;
  customer_id: string;
  status: Status;
  total_cents: number;
  items: Item[];
  /** date and time, RFC 3339 */
  placed_at: string;
}

/** The order is being made ready. */
export interface OrderProcessing {
  order_id: string;
  customer_id: string;
}

/** The order is on its way. */
export interface OrderShipped {
  order_id: string;
  tracking_number: string;
  customer_id: string;
  /** date and time, RFC 3339 */
  shipped_at: string;
}

/** Either way: asks whether the other side is there. */
export interface PingMessage { type: "ping" }

/** Order these items; without an `order_id` the service makes one. */
export interface PlaceOrder {
  /** 1 to 64 characters */
  customer_id: string;
  /** 1 to 100 items */
  items: Item[];
  /** 1 to 64 characters */
  order_id?: string | null;
}

/** Either way: the answer to a ping. */
export interface PongMessage { type: "pong" }

/** A product that somebody has stocked, and how many units of it can be sold now. */
export interface Product {
  product_id: string;
  available: number;
}

/** A user whose tokens were revoked, and when that was last. */
export interface Revocation {
  user_id: string;
  /** date and time, RFC 3339 */
  revoked_at: string;
}

/** Refuse every token that a user has been issued so far, and end their live connections. */
export interface RevokeTokens {
  /** 1 to 64 characters */
  user_id: string;
}

/** Hand an order that is being processed to the carrier. */
export interface ShipOrder {
  /** 1 to 64 characters */
  order_id: string;
  /** 1 to 64 characters */
  tracking_number: string;
}

/** An order goes from pending to processing to shipped, or from the first two to cancelled. */
export type Status = "pending" | "processing" | "shipped" | "cancelled";

/** There is too little of a product for the order. */
export interface StockRefused {
  order_id: string;
  customer_id: string;
  product_id: string;
}

/** What was laid aside for the order can be sold again. */
export interface StockReleased {
  order_id: string;
  customer_id: string;
}

/** What the order wants is laid aside; of products that are not tracked, nothing is. */
export interface StockReserved {
  order_id: string;
  customer_id: string;
  units: Units[];
}

/**
 * In: hear these topics from now on, or all; it replaces an earlier one.
 *
 * With `since`, what has happened after that position comes first, in order.
 */
export interface SubscribeMessage {
  type: "subscribe";
  /** at most 100 items */
  topics?: string[] | null;
  /** at least 0 */
  since?: number | null;
  /** 1 to 64 characters */
  epoch?: string | null;
}

/**
 * Out: what is heard from now on, and where the log stands.
 *
 * `recovered` says that everything after `since` follows. If not, start from a snapshot, and
 * subscribe again from its `seq`.
 */
export interface SubscribedMessage {
  type: "subscribed";
  topics: string[];
  seq: number;
  epoch: string;
  recovered: boolean;
  denied?: string[];
}

/** The user's tokens count no more, but for those that are issued later. */
export interface TokensRevoked {
  user_id: string;
  /** date and time, RFC 3339 */
  revoked_at: string;
}

/** So many units of one product. */
export interface Units {
  product_id: string;
  quantity: number;
}

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
  | { CancelOrder: CancelOrder }
  | { SendMessage: SendMessage }
  | { EditDocument: EditDocument }
  | { StartBatch: StartBatch }
  | { CancelBatch: CancelBatch }
  | { MarkNotificationRead: MarkNotificationRead };

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
  | { OrderCancelled: OrderCancelled }
  | { MessageSent: MessageSent }
  | { PresenceChanged: PresenceChanged }
  | { DocumentUpdated: DocumentUpdated }
  | { BatchProcessStarted: BatchProcessStarted }
  | { BatchProcessProgress: BatchProcessProgress }
  | { BatchProcessCompleted: BatchProcessCompleted }
  | { BatchProcessCancelled: BatchProcessCancelled }
  | { MetricsUpdated: MetricsUpdated }
  | { NotificationCreated: NotificationCreated }
  | { NotificationRead: NotificationRead };

/** What a client starts from: the State as it may see it, and where the log stood. */
export interface Snapshot {
  epoch: string;
  seq: number;
  state: {
    revocation?: Revocation[];
    inventory?: Product[];
    orders?: Order[];
    chat?: Room[];
    documents?: Document[];
    jobs?: Batch[];
    metrics?: Metrics;
    notifications?: Notification[];
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

/** One batch. `number` counts batches from 1, in the order in which they were started. */
export interface Batch {
  batch_id: string;
  status: JobsStatus;
  total: number;
  processed: number;
  succeeded: number;
  failed: number;
  number: number;
}

/** The batch was given up; what is done stays done. */
export interface BatchProcessCancelled { batch_id: string }

/** All items of the batch are done. */
export interface BatchProcessCompleted {
  batch_id: string;
  succeeded: number;
  failed: number;
}

/** So many of a batch's items are done by now, all together. */
export interface BatchProcessProgress {
  batch_id: string;
  processed: number;
  total: number;
  succeeded: number;
  failed: number;
}

/** A batch has begun. */
export interface BatchProcessStarted {
  batch_id: string;
  total_items: number;
}

/** Give up the items of a batch that are not done yet. */
export interface CancelBatch {
  /** 1 to 64 characters */
  batch_id: string;
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

/** Take out so many characters, the first of them at `at`. */
export interface Delete {
  op: "delete";
  /** 0 to 100,000 */
  at: number;
  /** 1 to 100,000 */
  count: number;
}

/** One document; while nobody has edited it, it is empty and at version 0. */
export interface Document {
  doc_id: string;
  version: number;
  text: string;
}

/** Somebody has edited the document, which is at this version now. */
export interface DocumentUpdated {
  doc_id: string;
  changes: (Insert | Delete)[];
  user_id: string;
  version: number;
}

/** Change the text that a document has at `base_version`, one change after the other. */
export interface EditDocument {
  /** 1 to 64 characters */
  doc_id: string;
  /** 0 to 1,000,000,000 */
  base_version: number;
  /** 1 to 100 items */
  changes: (Insert | Delete)[];
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

/** Put text in before the character at `at`, or at the end. */
export interface Insert {
  op: "insert";
  /** 0 to 100,000 */
  at: number;
  /** 1 to 100,000 characters */
  text: string;
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

/** A batch is running until it is completed or cancelled. */
export type JobsStatus = "running" | "completed" | "cancelled";

/** Say that a notification has been read. */
export interface MarkNotificationRead {
  /** 1 to 64 characters */
  notification_id: string;
}

/** One message. `number` counts the messages of its room from 1. */
export interface Message {
  message_id: string;
  user_id: string;
  text: string;
  /** date and time, RFC 3339 */
  sent_at: string;
  number: number;
}

/** Somebody has said something in a room; the first message opens it. */
export interface MessageSent {
  room: string;
  message_id: string;
  user_id: string;
  text: string;
  /** date and time, RFC 3339 */
  sent_at: string;
}

/** Metrics leave no trace in the State. */
export type Metrics = Record<string, never>;

/** The service was measured: an ephemeral fact, never stored, for the next one replaces it. */
export interface MetricsUpdated {
  /** date and time, RFC 3339 */
  timestamp: string;
  /** at least 0 */
  active_users: number;
  /** 0 to 1,000,000,000 */
  requests_per_second: number;
  /** 0 to 1 */
  error_rate: number;
}

/** One thing that one user has been told. */
export interface Notification {
  notification_id: string;
  user_id: string;
  message: string;
  priority: Priority;
  /** date and time, RFC 3339 */
  created_at: string;
  read: boolean;
}

/** There is something for the user to know. */
export interface NotificationCreated {
  notification_id: string;
  user_id: string;
  message: string;
  priority: Priority;
  /** date and time, RFC 3339 */
  created_at: string;
}

/** The user knows it. */
export interface NotificationRead {
  notification_id: string;
  user_id: string;
}

/** One order. */
export interface Order {
  order_id: string;
  customer_id: string;
  status: OrdersStatus;
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
  status: OrdersStatus;
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

/** An order goes from pending to processing to shipped, or from the first two to cancelled. */
export type OrdersStatus = "pending" | "processing" | "shipped" | "cancelled";

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

/**
 * Who is in a room now: the first 50 by name, and how many `more`.
 *
 * An ephemeral fact, never stored: it is told anew to whoever begins to listen.
 */
export interface PresenceChanged {
  room: string;
  /** at most 50 items */
  user_ids: string[];
  /** at least 0 */
  more: number;
}

/** How much a notification matters. */
export type Priority = "low" | "normal" | "high";

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

/**
 * The last 200 messages of a room, the latest last; `sent` counts them all.
 *
 * `opened_by` has sent the first of them.
 */
export interface Room {
  room: string;
  messages: Message[];
  sent: number;
  opened_by: string;
}

/** Say something in a room; without a `message_id` the service makes one. */
export interface SendMessage {
  /** 1 to 64 characters */
  room: string;
  /** 1 to 2,000 characters */
  text: string;
  /** 1 to 64 characters */
  message_id?: string | null;
}

/** Hand an order that is being processed to the carrier. */
export interface ShipOrder {
  /** 1 to 64 characters */
  order_id: string;
  /** 1 to 64 characters */
  tracking_number: string;
}

/** Work through so many items; without a `batch_id` the service makes one. */
export interface StartBatch {
  /** 1 to 100,000 */
  total_items: number;
  /** 1 to 64 characters */
  batch_id?: string | null;
}

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

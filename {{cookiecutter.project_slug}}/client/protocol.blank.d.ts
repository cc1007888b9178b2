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
  | { Increment: Increment }
  | "Reset";

/** What can have happened: one action, under its name. */
export type Event =
  | { TokensRevoked: TokensRevoked }
  | { Incremented: Incremented }
  | "WasReset";

/** What a client starts from: the State as it may see it, and where the log stood. */
export interface Snapshot {
  epoch: string;
  seq: number;
  state: {
    revocation?: Revocation[];
    counter?: Counter;
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

/** In: this is who I am; or, before the token at hand expires, I still am. */
export interface AuthMessage {
  type: "auth";
  /** 1 to 8,192 characters */
  token: string;
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

/** The counter; `turns` counts its changes. */
export interface Counter {
  value: number;
  turns: number;
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

/** Count further. */
export interface Increment {
  /** 1 to 1,000 */
  by?: number;
}

/** The counter stands higher. */
export interface Incremented {
  by: number;
  value: number;
}

/** Either way: asks whether the other side is there. */
export interface PingMessage { type: "ping" }

/** Either way: the answer to a ping. */
export interface PongMessage { type: "pong" }

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

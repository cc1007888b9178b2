/**
 * A client of the live connection: it connects, comes back, catches up, and sends commands.
 *
 * @typedef {'connecting' | 'live' | 'recovering' | 'stopped'} ConnectionState
 * @typedef {string | Record<string, object>} Action  `{"Name": {…fields}}`, or `"Name"` without fields
 * @typedef { {type: 'ack', id: string, seq: number, duplicate?: boolean} } Ack
 * @typedef { {message: string, code?: string, id?: string | null, retry_after?: number,
 *   fields?: {loc: string, message: string}[]} } Refusal
 * @typedef { {code: number, reason: string} } Close  1006: nobody said why
 */
/**
 * @template [Event=Action]
 * @typedef { {type: 'event', action: Event, seq?: number | null, cause?: string | null} } EventMessage
 */
/**
 * @template {object} [View=Record<string, any>]
 * @typedef { {seq: number, epoch: string, state: View} } Snapshot
 */
/**
 * What listeners are told, by name. `snapshot`: forget all and start from it. `event`: it happened,
 * maybe while nobody was connected. `error`: a refusal of something other than a command. `close`:
 * a connection is over.
 * @template [Event=Action]
 * @template {object} [View=Record<string, any>]
 * @typedef { {state: ConnectionState, snapshot: Snapshot<View>, event: EventMessage<Event>,
 *   view: View, error: Refusal, close: Close} } Told
 */
/**
 * `base` is where the service is; `query`, such as `?user=alice`, is added to every address.
 * `topics` are the names to listen to, or `'all'`: those that the snapshot shows; with `[]` nothing
 * is heard. Without them every event is heard that is kept in the log; those that only pass reach
 * who names them.
 * `getToken` gives the token of whoever is logged in; it is asked before every connection and
 * request, and before the token that it gave expires, so let it remember: but not the one that it
 * gave last when it is told that this was `refused`. `apply` gives the view as it is after an event,
 * as a new value; without it the view is that of the last snapshot.
 * `outbox` is how many commands may wait for an answer.
 * @template [Event=Action]
 * @template {object} [View=Record<string, any>]
 * @typedef { {base?: string, query?: string, topics?: string[] | 'all',
 *   getToken?: (last: {refused: boolean}) =>
 *     string | null | undefined | Promise<string | null | undefined>,
 *   apply?: (view: View, name: string, fields: any, message: EventMessage<Event>) => View,
 *   outbox?: number, WebSocket?: any, fetch?: any, random?: () => number} } Options
 */
export type ConnectionState = 'connecting' | 'live' | 'recovering' | 'stopped';
export type Action = string | Record<string, object>;
export type Ack = {
    type: 'ack';
    id: string;
    seq: number;
    duplicate?: boolean;
};
export type Refusal = {
    message: string;
    code?: string;
    id?: string | null;
    retry_after?: number;
    fields?: {
        loc: string;
        message: string;
    }[];
};
export type Close = {
    code: number;
    reason: string;
};
export type EventMessage<Event = Action> = {
    type: 'event';
    action: Event;
    seq?: number | null;
    cause?: string | null;
};
export type Snapshot<View extends object = Record<string, any>> = {
    seq: number;
    epoch: string;
    state: View;
};
export type Told<Event = Action, View extends object = Record<string, any>> = {
    state: ConnectionState;
    snapshot: Snapshot<View>;
    event: EventMessage<Event>;
    view: View;
    error: Refusal;
    close: Close;
};
export type Options<Event = Action, View extends object = Record<string, any>> = {
    base?: string;
    query?: string;
    topics?: string[] | 'all';
    getToken?: (last: {
        refused: boolean;
    }) => string | null | undefined | Promise<string | null | undefined>;
    apply?: (view: View, name: string, fields: any, message: EventMessage<Event>) => View;
    outbox?: number;
    WebSocket?: any;
    fetch?: any;
    random?: () => number;
};
/**
 * A command that is not done, or something that cannot be read. `code` is the service's, which the
 * client uses, too, of what it does not send (`invalid`, `id_reused`) and of a service that is not to
 * be had (`unavailable`); or `outbox_full` (not sent: too many wait), or `aborted` (taken back before
 * it was sent), or `stopped` (the client was stopped before there was an answer). After `stopped` and
 * `unavailable` it may have been done: sent again with the same id, it is not done twice.
 */
export declare class CommandError extends Error {
    code: string;
    id: string | undefined;
    retryAfter: number | undefined;
    fields: {
        loc: string;
        message: string;
    }[] | undefined;
    constructor(/** @type {Refusal} */ { message, code, id, retry_after, fields }: Refusal);
}
/**
 * One connection to the service, for as long as the page lives.
 * @template [Command=Action]
 * @template [Event=Action]
 * @template {object} [View=Record<string, any>]
 */
export declare class LiveClient<Command = Action, Event = Action, View extends object = Record<string, any>> {
    #private;
    base: string;
    query: string;
    topics: "all" | string[] | undefined;
    getToken: ((last: {
        refused: boolean;
    }) => string | null | undefined | Promise<string | null | undefined>) | undefined;
    apply: (view: View, name: string, fields: any, message: EventMessage<Event>) => View;
    outbox: number;
    WebSocket: any;
    fetch: any;
    random: () => number;
    /** @type {ConnectionState} */
    state: ConnectionState;
    /** The log position of the newest event heard, or of the snapshot. */
    seq: number;
    /** The log that `seq` is a position of; empty before the first snapshot. */
    epoch: string;
    /** @type {View | undefined} What the snapshot showed, and then what `apply` made of it. */
    view: View | undefined;
    /** @param {Options<Event, View>} [options] */
    constructor(options?: Options<Event, View>);
    /**
     * Listen; calling what it gives ends that. `view` is told after each `snapshot` and `event`.
     * @template {keyof Told} Name
     * @param {Name} name @param {(value: Told<Event, View>[Name]) => void} listener
     */
    on<Name extends keyof Told>(name: Name, listener: (value: Told<Event, View>[Name]) => void): () => undefined;
    /** Connect, and stay connected until `close()`, or until the server says not to come back. */
    connect(): void;
    /** Let go of the socket, the timers, the page; what waits for an answer is rejected. */
    close(): void;
    /**
     * Listen to these names besides `topics`, instead of those given before. Without the option
     * `topics` it throws: the service would tell what is named, and nothing else any more.
     * @param {string[]} topics
     */
    also(topics: string[]): void;
    /** Break the connection off, as a network does that is lost. */
    interrupt(): void;
    /**
     * Ask the service to do something, once. Without a connection the command waits for the next one;
     * if the connection breaks it is sent again with its `id`, by which the service knows it. Until
     * it is sent, `signal` takes it back: `AbortSignal.timeout(5_000)` lets it wait no longer.
     * Rejects with a CommandError.
     * @param {Command} action @param {string} [id] @param {AbortSignal} [signal]
     * @returns {Promise<Ack>}
     */
    send(action: Command, id?: string, signal?: AbortSignal): Promise<Ack>;
    /** What the service knows now. @param {AbortSignal} [signal] @returns {Promise<Snapshot<View>>} */
    snapshot(signal?: AbortSignal): Promise<Snapshot<View>>;
    /**
     * What is at an address of the service; rejects with a CommandError.
     * @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>}
     */
    read(path: string, signal?: AbortSignal): Promise<any>;
}
/** The name of an action and its fields. @param {Action} action @returns {[string, any]} */
export declare function tagged(action: Action): [string, any];
/** A random UUID, also where `randomUUID` is missing (plain HTTP). @returns {string} */
export declare function uuid(): string;

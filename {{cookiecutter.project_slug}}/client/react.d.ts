/**
 * React hooks around a LiveClient: its connection, what it knows, and what it hears.
 *
 * They are safe under StrictMode and concurrent rendering, keep no more than they are told to, and
 * leave nothing behind when a component goes.
 */
export type AnyClient = import('./client.js').LiveClient<any, any, any>;
/**
 * The state of the connection, which is there as long as a component uses this hook.
 * @param {AnyClient} client @returns {import('./client.js').ConnectionState}
 */
export declare function useConnection(client: AnyClient): import('./client.js').ConnectionState;
/**
 * What `selector` takes from the client's view; undefined until there is one. The component renders
 * again when that is another value: select what `apply` leaves as it is, or a plain value of it.
 * @template {object} View @template Selected
 * @param {import('./client.js').LiveClient<any, any, View>} client
 * @param {(view: View) => Selected} selector
 * @returns {Selected | undefined}
 */
export declare function useStore<View extends object, Selected>(client: import('./client.js').LiveClient<any, any, View>, selector: (view: View) => Selected): Selected | undefined;
/**
 * The last events that were heard while the component was there, oldest first: those of a name, of
 * some names, or that a function lets through. A snapshot empties it: events may have been missed.
 * @template [Event=import('./client.js').Action]
 * @param {import('./client.js').LiveClient<any, Event, any>} client
 * @param {string | readonly string[] | ((name: string, fields: any,
 *   message: import('./client.js').EventMessage<Event>) => boolean)} filter
 * @param { {limit?: number} } [options] `limit`: how many are kept
 * @returns {readonly import('./client.js').EventMessage<Event>[]}
 */
export declare function useEvents<Event = import('./client.js').Action>(client: import('./client.js').LiveClient<any, Event, any>, filter: string | readonly string[] | ((name: string, fields: any, message: import('./client.js').EventMessage<Event>) => boolean), { limit }?: {
    limit?: number;
}): readonly import('./client.js').EventMessage<Event>[];

// Node's `ws`: a loop over everybody, as its README has it.
const { WebSocketServer, WebSocket } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1", port: Number(process.argv[2]), backlog: 2048, perMessageDeflate: false,
});
let seq = 0;

server.on("connection", (client) => {
  client.on("message", (data) => {
    const command = JSON.parse(data);
    const updated = { product_id: command.action.AddStock.product_id, available: ++seq };
    const event = JSON.stringify(
      { type: "event", action: { InventoryUpdated: updated }, seq, cause: command.id },
    );
    for (const other of server.clients) {
      if (other.readyState === WebSocket.OPEN) other.send(event);
    }
    client.send(JSON.stringify({ type: "ack", id: command.id, seq }));
  });
});

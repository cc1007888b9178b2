// Go's gorilla/websocket with a hub, as in its chat example: two goroutines and a channel a client.
package main

import (
	"encoding/json"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

type command struct {
	Action struct {
		AddStock struct {
			ProductID string `json:"product_id"`
		}
	} `json:"action"`
	ID string `json:"id"`
}

type inventoryUpdated struct {
	ProductID string `json:"product_id"`
	Available int    `json:"available"`
}

type event struct {
	Type   string                      `json:"type"`
	Action map[string]inventoryUpdated `json:"action"`
	Seq    int                         `json:"seq"`
	Cause  string                      `json:"cause"`
}

type ack struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Seq  int    `json:"seq"`
}

type client struct {
	connection *websocket.Conn
	outbox     chan []byte
}

type asked struct {
	by   *client
	text []byte
}

var (
	register   = make(chan *client)
	unregister = make(chan *client)
	commands   = make(chan asked, 256)
	upgrader   = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
)

// hub is the one who knows everybody.
func hub() {
	clients, seq := map[*client]bool{}, 0
	for {
		select {
		case c := <-register:
			clients[c] = true
		case c := <-unregister:
			if clients[c] {
				delete(clients, c)
				close(c.outbox)
			}
		case asked := <-commands:
			var c command
			if json.Unmarshal(asked.text, &c) != nil {
				continue
			}
			seq++
			updated := inventoryUpdated{c.Action.AddStock.ProductID, seq}
			action := map[string]inventoryUpdated{"InventoryUpdated": updated}
			text, _ := json.Marshal(event{"event", action, seq, c.ID})
			for c := range clients {
				c.outbox <- text
			}
			text, _ = json.Marshal(ack{"ack", c.ID, seq})
			asked.by.outbox <- text
		}
	}
}

func (c *client) read() {
	defer func() { unregister <- c; c.connection.Close() }()
	for {
		_, text, err := c.connection.ReadMessage()
		if err != nil {
			return
		}
		commands <- asked{c, text}
	}
}

func (c *client) write() {
	for text := range c.outbox {
		if c.connection.WriteMessage(websocket.TextMessage, text) != nil {
			c.connection.Close()
		}
	}
}

func serve(writer http.ResponseWriter, request *http.Request) {
	connection, err := upgrader.Upgrade(writer, request, nil)
	if err != nil {
		return
	}
	c := &client{connection, make(chan []byte, 256)}
	register <- c
	go c.write()
	go c.read()
}

func main() {
	go hub()
	http.HandleFunc("/ws", serve)
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}

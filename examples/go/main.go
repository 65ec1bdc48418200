// Webhooks of GitHub in a net/http server, handled in this process: server DATABASE PORT
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"libconvoy.invalid/convoy"
)

type object = map[string]any

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func post(gateway *convoy.Gateway, path string, body object) (made object) {
	must(0, gateway.Call("POST", path, body, &made))
	return
}

// linkOf makes the link for GitHub the first time, with an endpoint in this process.
func linkOf(gateway *convoy.Gateway) any {
	var projects []struct{ UID string }
	must(0, gateway.Call("GET", "/api/v1/projects", nil, &projects))
	if len(projects) == 0 {
		made := post(gateway, "/api/v1/projects", object{"name": "shop", "type": "incoming"})
		path := fmt.Sprint("/api/v1/projects/", made["project"].(object)["uid"])
		preset := object{"name": "github", "secrets": []string{"a shared secret"}}
		source := post(gateway, path+"/sources", object{"name": "github", "type": "http",
			"verifier": object{"type": "preset", "preset": preset}})
		endpoint := post(gateway, path+"/endpoints", object{"name": "here", "url": "local:orders"})
		wanted := object{"name": "s", "endpoint_id": endpoint["uid"], "source_id": source["uid"]}
		post(gateway, path+"/subscriptions", wanted)
		return source["url"]
	}
	var sources struct{ Content []object }
	must(0, gateway.Call("GET", "/api/v1/projects/"+projects[0].UID+"/sources", nil, &sources))
	return sources.Content[0]["url"]
}

func main() {
	database, address := os.Args[1], "127.0.0.1:"+os.Args[2]
	gateway := must(convoy.Open(convoy.Settings{"storage.path": database, "local.names": "orders",
		"gateway.public_url": "http://" + address}))
	must(0, gateway.Start())
	fmt.Println("link", linkOf(gateway))
	go gateway.Run(context.Background(), "orders", 4, func(_ context.Context, d *convoy.Delivery) error {
		fmt.Printf("event %s\n", d.Body)
		return nil // delivered; an error: it comes again
	})
	mine := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
	log.Fatal(http.ListenAndServe(address, gateway.Handler(http.HandlerFunc(mine))))
}

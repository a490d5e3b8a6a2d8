// Command signing is an echo server that reads a decision, signs it and keeps nothing:
// what answering it costs at the least.
package main

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
)

func main() {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	e := echo.New()
	e.POST("/v1/sites/:site/decisions", func(c echo.Context) error {
		var d consent.Decision
		body := json.NewDecoder(c.Request().Body)
		body.DisallowUnknownFields()
		if err := body.Decode(&d); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, struct {
			consent.Decision
			Signature []byte `json:"signature"`
		}{d, ed25519.Sign(key, []byte(d.ID))})
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + l.Addr().String())
	panic(http.Serve(l, e))
}
